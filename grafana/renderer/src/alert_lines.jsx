// The board's annotations over a time series: a line where an alert began to fire. Grafana's own plugin for it is not published.
import { useEffect, useLayoutEffect, useState } from 'react';
import { useTheme2 } from '@grafana/ui';
import { asPattern } from './prometheus.js';

const STEP_SECONDS = 15;

/** Starts (ms) of what the annotation's expression finds, by the source and the annotations of the board. */
export function useStarts(board, source, { replaceVariables, timeRange }) {
  const [starts, setStarts] = useState([]);
  const [from, to] = [timeRange.from.valueOf() / 1000, timeRange.to.valueOf() / 1000];
  useEffect(() => {
    const queries = board.annotations.list.filter((one) => one.enable).map((one) => replaceVariables(one.expr, {}, asPattern));
    Promise.all(queries.map((query) => source.ask('query_range', { query, start: from, end: to, step: STEP_SECONDS }))).then(
      (answers) => {
        const firsts = answers.flatMap((answer) => answer.result.map((series) => series.values[0][0]));
        setStarts([...new Set(firsts.filter((first) => first > from + STEP_SECONDS))].map((first) => first * 1000));
      },
      (error) => window.failures.push(String(error))
    );
  }, [from, to]);
  return starts;
}

/** Inside a `TimeSeries`: draws the lines on its canvas. */
export function AlertLines({ config, starts }) {
  const color = useTheme2().colors.error.text;
  useLayoutEffect(() => {
    config.addHook('draw', (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.strokeStyle = color;
      ctx.setLineDash([4, 4]);
      for (const start of starts) {
        const x = Math.round(plot.valToPos(start, 'x', true));
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
      }
      ctx.restore();
    });
  }, [config, starts, color]);
  return null;
}
