// ?board=overview&prometheus=http://...&from=now-30m&to=now&theme=dark
import './boot.js';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router-dom';
import { ThemeContext, createTheme } from '@grafana/data';
import { GlobalStyles, PortalContainer } from '@grafana/ui';
import {
  CustomVariable, EmbeddedScene, QueryVariable, SceneControlsSpacer, SceneDataTransformer, SceneGridItem, SceneGridLayout, SceneQueryRunner, SceneTimePicker,
  SceneTimeRange, SceneVariableSet, VariableValueSelectors, VizPanel, sceneUtils,
} from '@grafana/scenes';
import { PrometheusSource } from './prometheus.js';
import { registerPanels } from './panels.jsx';
import { initRuntime } from './runtime.js';

const UID = 'supportpulse-prometheus';
const SOURCE = { uid: UID, type: 'prometheus' };
const NOTE = "Drawn by Grafana's published components (@grafana/ui and @grafana/scenes) from a real Prometheus that scraped supportpulse's demo, without a Grafana server. Heatmaps and the red lines of alerts are our own drawing.";
const parameters = new URLSearchParams(location.search);

function toVariable({ name, label, type, query, current, multi, includeAll, allValue, hide, refresh, sort }) {
  if (type === 'datasource') return new CustomVariable({ name, label, query: `${current.text} : ${UID}`, value: UID, text: current.text, hide });
  if (type === 'query') return new QueryVariable({ name, label, query, datasource: SOURCE, isMulti: multi, includeAll, allValue, hide, refresh, sort, value: current.value, text: current.text });
  throw new Error(`variable type not covered: ${type}`);
}

function toPanel({ id, title, description, type, options, fieldConfig, targets, transformations, interval, gridPos }) {
  const queries = targets.map((target) => ({ ...target, datasource: SOURCE }));
  const runner = new SceneQueryRunner({ datasource: SOURCE, queries, minInterval: interval });
  const $data = transformations ? new SceneDataTransformer({ $data: runner, transformations }) : runner;
  const body = new VizPanel({ key: `panel-${id}`, title, description, pluginId: type, options, fieldConfig, $data });
  return new SceneGridItem({ x: gridPos.x, y: gridPos.y, width: gridPos.w, height: gridPos.h, body, isDraggable: false, isResizable: false });
}

function toScene(board) {
  return new EmbeddedScene({
    $timeRange: new SceneTimeRange({ from: parameters.get('from'), to: parameters.get('to'), timeZone: board.timezone }),
    $variables: new SceneVariableSet({ variables: board.templating.list.map(toVariable) }),
    controls: [new VariableValueSelectors({}), new SceneControlsSpacer(), new SceneTimePicker({ isOnCanvas: true })],
    body: new SceneGridLayout({ children: board.panels.map(toPanel), isDraggable: false, isResizable: false }),
  });
}

async function draw() {
  const mode = parameters.get('theme');
  initRuntime(mode);
  const board = await (await fetch(`/dashboards/${parameters.get('board')}.json`)).json();
  const source = new PrometheusSource(UID, parameters.get('prometheus'));
  sceneUtils.registerRuntimeDataSource({ dataSource: source });
  registerPanels(board, source);
  const scene = toScene(board);
  createRoot(document.getElementById('root')).render(
    <MemoryRouter>
      <ThemeContext.Provider value={createTheme({ colors: { mode } })}>
        <GlobalStyles isExtensionSidebarOpen={false} hackNoBackdropBlur={false} />
        <h2 style={{ padding: '12px 16px 0', margin: 0 }}>{board.title}</h2>
        <scene.Component model={scene} />
        <p style={{ padding: '0 16px 8px', margin: 0, fontSize: 12, opacity: 0.7 }}>{NOTE}</p>
        <PortalContainer />
      </ThemeContext.Provider>
    </MemoryRouter>
  );
}

draw().catch((error) => {
  window.failures.push(String(error.stack));
  window.asked += 1; // so that the one who waits for queries sees the failure
});
