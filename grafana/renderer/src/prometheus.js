// A real Prometheus through its own HTTP API, in the shape in which Grafana's data source answers.
import { FieldType } from '@grafana/data';
import { RuntimeDataSource, sceneGraph } from '@grafana/scenes';

const SCRAPE_SECONDS = 5; // `timeInterval` of the provisioned data source
const toNumber = (text) => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : parseFloat(text));
const escaped = (text) => String(text).replace(/[\\^$*+?.()|[\]{}]/g, '\\\\$&');

/** A variable's value as a regular expression, as Grafana's data source puts it into an expression. */
export function asPattern(value) {
  const all = (Array.isArray(value) ? value : [value]).map(escaped);
  return all.length === 1 ? all[0] : `(${all.join('|')})`;
}

function nameOf(labels, format) {
  if (format) return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, label) => labels[label] ?? '');
  const pairs = Object.entries(labels).filter(([label]) => label !== '__name__').map(([label, value]) => `${label}="${value}"`);
  return pairs.length ? `${labels.__name__ ?? ''}{${pairs.join(', ')}}` : 'Value';
}

function tableFrame(target, series, several) {
  const labels = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].sort();
  const column = (label) => ({ name: label, type: FieldType.string, config: {}, values: series.map((one) => one.metric[label] ?? '') });
  return {
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: series.map((one) => one.value[0] * 1000) },
      ...labels.map(column),
      { name: several ? `Value #${target.refId}` : 'Value', type: FieldType.number, config: {}, values: series.map((one) => toNumber(one.value[1])) },
    ],
  };
}

function seriesFrame(target, one, times, step) {
  const name = nameOf(one.metric, target.legendFormat);
  const known = new Map((one.values ?? [one.value]).map(([seconds, text]) => [seconds, toNumber(text)]));
  const at = times ?? [...known.keys()];
  const number = { name: 'Value', type: FieldType.number, labels: one.metric, config: { displayNameFromDS: name }, values: at.map((seconds) => known.get(seconds) ?? null) };
  return { refId: target.refId, name, fields: [{ name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: at.map((seconds) => seconds * 1000) }, number] };
}

export class PrometheusSource extends RuntimeDataSource {
  constructor(uid, address) {
    super('prometheus', uid);
    this.address = address;
    this.interval = `${SCRAPE_SECONDS}s`;
  }

  async ask(path, parameters) {
    window.asked += 1;
    window.pending += 1;
    try {
      const answer = await (await fetch(`${this.address}/api/v1/${path}?${new URLSearchParams(parameters)}`)).json();
      if (answer.status !== 'success') throw new Error(`${path}: ${answer.error} in ${parameters.query}`);
      return answer.data;
    } finally {
      window.pending -= 1;
    }
  }

  async query(request) {
    const [from, to] = [request.range.from, request.range.to].map((moment) => Math.floor(moment.valueOf() / 1000));
    const step = Math.max(1, Math.ceil(request.intervalMs / 1000));
    const rate = Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS);
    const builtIn = { __rate_interval: `${rate}s`, __interval: `${step}s`, __range: `${to - from}s` };
    const scoped = { ...request.scopedVars, ...Object.fromEntries(Object.entries(builtIn).map(([name, value]) => [name, { value, text: value }])) };
    const start = from - (from % step);
    const times = Array.from({ length: Math.floor((to - start) / step) + 1 }, (_, n) => start + n * step);
    const several = request.targets.filter((target) => target.format === 'table').length > 1;
    const answers = request.targets.map(async (target) => {
      const query = sceneGraph.interpolate(request.scopedVars.__sceneObject.value.valueOf(), target.expr, scoped, asPattern);
      if (!target.instant) {
        const found = await this.ask('query_range', { query, start, end: to, step });
        return found.result.map((one) => seriesFrame(target, one, times, step));
      }
      const found = await this.ask('query', { query, time: to });
      return target.format === 'table' ? [tableFrame(target, found.result, several)] : found.result.map((one) => seriesFrame(target, one, null, step));
    });
    return { data: (await Promise.all(answers)).flat() };
  }

  async metricFindQuery(asked, options) {
    const text = sceneGraph.interpolate(options.scopedVars.__sceneObject.value.valueOf(), asked.query ?? asked, {}, asPattern);
    const [, selector, label] = /^label_values\((?:(.+),\s*)?(\w+)\)$/.exec(text) ?? [];
    if (!label) throw new Error(`variable query not covered: ${text}`);
    const values = await this.ask(`label/${label}/values`, selector ? { 'match[]': selector } : {});
    return values.map((value) => ({ text: value }));
  }
}
