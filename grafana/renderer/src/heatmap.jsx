// A heatmap of classic buckets. Grafana's own is not published: this is our drawing, in its theme and with its units.
import { getValueFormat, formattedValueToString, dateTimeFormat } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

const [LEFT, RIGHT, TOP, BOTTOM] = [60, 8, 6, 24];
const SCHEME = ['#3a1d0c', '#7f2704', '#a63603', '#d94801', '#f16913', '#fd8d3c', '#fdae6b', '#fdd0a2']; // ColorBrewer's Oranges, dark first
const GAP_PX = 1;
const TICKS = 6;

/** Rows from the lowest edge up: how many lie in each bucket alone, at each time. */
function rows(series) {
  const edge = (frame) => parseFloat(frame.name.replace('+Inf', 'Infinity'));
  const sorted = [...series].sort((a, b) => edge(a) - edge(b)).map((frame) => ({ edge: edge(frame), values: [...frame.fields[1].values] }));
  return sorted.map((row, n) => ({ edge: row.edge, counts: row.values.map((value, at) => (value ?? 0) - (n ? (sorted[n - 1].values[at] ?? 0) : 0)) }));
}

export function Heatmap({ data, width, height, fieldConfig, options, timeZone }) {
  const theme = useTheme2();
  if (!data.series.length) return null;
  const times = [...data.series[0].fields[0].values];
  const buckets = rows(data.series);
  const most = Math.max(...buckets.flatMap((row) => row.counts), 1e-9);
  const format = getValueFormat(fieldConfig.defaults.unit);
  const [wide, high] = [(width - LEFT - RIGHT) / times.length, (height - TOP - BOTTOM) / buckets.length];
  const color = (count) => SCHEME[Math.min(SCHEME.length - 1, Math.floor((count / most) ** options.color.exponent * SCHEME.length))];
  const text = { fill: theme.colors.text.primary, fontSize: 12, fontFamily: theme.typography.fontFamily };
  const label = (row, n) => (Number.isFinite(row.edge) ? `≤ ${formattedValueToString(format(row.edge, 0))}` : `> ${formattedValueToString(format(buckets[n - 1].edge, 0))}`);
  const every = Math.max(1, Math.round(times.length / TICKS));
  return (
    <svg width={width} height={height}>
      {buckets.map((row, n) => {
        const y = TOP + (buckets.length - 1 - n) * high;
        return (
          <g key={row.edge}>
            <text x={LEFT - 8} y={y + high / 2 + 4} textAnchor="end" {...text}>{label(row, n)}</text>
            <line x1={LEFT} x2={width - RIGHT} y1={y + high} y2={y + high} stroke={theme.colors.border.weak} />
            {row.counts.map((count, at) => count > options.filterValues.le && (
              <rect key={times[at]} x={LEFT + at * wide} y={y + GAP_PX} width={Math.max(wide - GAP_PX, 1)} height={high - GAP_PX} fill={color(count)} />
            ))}
          </g>
        );
      })}
      {times.map((time, at) => at % every === 0 && at * wide < width - LEFT - 40 && (
        <text key={time} x={LEFT + at * wide} y={height - 6} {...text}>{dateTimeFormat(time, { timeZone, format: 'HH:mm' })}</text>
      ))}
    </svg>
  );
}
