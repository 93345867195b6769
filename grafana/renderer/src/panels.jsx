// Grafana's published components under the panel types our boards use. Core's panel plugins are not published: this is their glue.
import { useMemo } from 'react';
import { FieldType, PanelPlugin, VizOrientation, cacheFieldDisplayNames, getDisplayValueAlignmentFactors, getFieldDisplayValues } from '@grafana/data';
import { BarGauge, BigValue, TimeSeries, VizRepeater, useTheme2 } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { sceneUtils } from '@grafana/scenes';
import { AlertLines, useStarts } from './alert_lines.jsx';
import { Heatmap } from './heatmap.jsx';

const SERIES_OPTIONS = {
  drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', barAlignment: 0, barWidthFactor: 0.6,
  lineStyle: undefined, fillBelowTo: undefined, spanNulls: false, insertNulls: false, showPoints: 'auto', pointSize: 5, stacking: { mode: 'none', group: 'A' },
  axisPlacement: 'auto', axisLabel: '', axisWidth: undefined, axisSoftMin: undefined, axisSoftMax: undefined, axisColorMode: 'text',
  axisBorderShow: false, axisCenteredZero: false, axisGridShow: undefined, scaleDistribution: { type: 'linear' },
  hideFrom: { tooltip: false, viz: false, legend: false }, thresholdsStyle: { mode: 'off' },
};
const TABLE_OPTIONS = { width: undefined, minWidth: undefined, align: 'auto', cellOptions: { type: 'auto' }, filterable: false, inspect: false, hidden: false };

const NoData = ({ fieldConfig }) => (
  <div style={{ display: 'flex', height: '100%', alignItems: 'center', justifyContent: 'center' }}>{fieldConfig.defaults.noValue ?? 'No data'}</div>
);

const seriesPanel = (board, source) => function SeriesPanel(props) {
  const { data, timeRange, timeZone, width, height, options } = props;
  const frames = useMemo(() => data.series.filter((frame) => frame.fields.some((field) => field.type === FieldType.number)), [data.series]);
  const starts = useStarts(board, source, props);
  if (!frames.length) return <NoData {...props} />;
  return (
    <TimeSeries key={starts.length} frames={frames} structureRev={data.structureRev} timeRange={timeRange} timeZone={timeZone} width={width} height={height} legend={options.legend} options={options}>
      {(config) => <AlertLines config={config} starts={starts} />}
    </TimeSeries>
  );
};

function useValues({ data, fieldConfig, options, replaceVariables, timeZone }, sparkline) {
  const theme = useTheme2();
  return () => getFieldDisplayValues({ fieldConfig, reduceOptions: options.reduceOptions, replaceVariables, theme, data: data.series, sparkline, timeZone });
}

function StatPanel(props) {
  const theme = useTheme2();
  const { data, width, height, options } = props;
  const values = useValues(props, options.graphMode !== 'none');
  if (!data.series.length) return <NoData {...props} />;
  const draw = ({ value, width, height, count }) => (
    <BigValue value={value.display} sparkline={value.sparkline} width={width} height={height} theme={theme} count={count} colorMode={options.colorMode}
      graphMode={options.graphMode} textMode={options.textMode} justifyMode={options.justifyMode} wideLayout={options.wideLayout} />
  );
  return <VizRepeater getValues={values} source={data} width={width} height={height} orientation={options.orientation} autoGrid itemSpacing={3} renderValue={draw} />;
}

function BarGaugePanel(props) {
  const theme = useTheme2();
  const { data, width, height, options } = props;
  const values = useValues(props, false);
  if (!data.series.length) return <NoData {...props} />;
  const draw = ({ value, width, height, orientation, alignmentFactors }) => (
    <BarGauge value={value.display} field={value.field} width={width} height={height} orientation={orientation} theme={theme} displayMode={options.displayMode}
      showUnfilled={options.showUnfilled} valueDisplayMode={options.valueMode} namePlacement={options.namePlacement} alignmentFactors={alignmentFactors} itemSpacing={8} lcdCellWidth={2} />
  );
  return (
    <VizRepeater getValues={values} source={data} width={width} height={height} orientation={VizOrientation.Horizontal} itemSpacing={8} minVizHeight={options.minVizHeight}
      maxVizHeight={options.maxVizHeight} getAlignmentFactors={getDisplayValueAlignmentFactors} renderValue={draw} />
  );
}

function TablePanel(props) {
  const { data, width, height, options, fieldConfig, timeRange } = props;
  useMemo(() => cacheFieldDisplayNames(data.series), [data.series]);
  if (!data.series[0]?.length) return <NoData {...props} />;
  return <TableNG data={data.series[0]} width={width} height={height} noHeader={false} cellHeight={options.cellHeight} initialSortBy={options.sortBy} fieldConfig={fieldConfig} timeRange={timeRange} getActions={() => []} structureRev={data.structureRev} />;
}

function HeatmapPanel(props) {
  return props.data.series.length ? <Heatmap {...props} /> : <NoData {...props} />;
}

function register(pluginId, component, customOptions = {}) {
  const plugin = new PanelPlugin(component);
  const add = (builder, [path, defaultValue]) => builder.addCustomEditor({ id: path, path, name: path, defaultValue, editor: () => null, override: () => null, process: (value) => value, shouldApply: () => true, settings: {} });
  plugin.useFieldConfig({ useCustomConfig: (builder) => Object.entries(customOptions).forEach((entry) => add(builder, entry)) });
  sceneUtils.registerRuntimePanelPlugin({ pluginId, plugin });
}

export function registerPanels(board, source) {
  register('timeseries', seriesPanel(board, source), SERIES_OPTIONS);
  register('stat', StatPanel);
  register('bargauge', BarGaugePanel);
  register('table', TablePanel, TABLE_OPTIONS);
  register('heatmap', HeatmapPanel, { hideFrom: {}, scaleDistribution: {} });
}
