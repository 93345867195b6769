// Writes the boards as TypeScript literals into types/check.ts, where tsc compares them with Grafana's own published types.
import fs from 'node:fs';
import path from 'node:path';

const ROOT = import.meta.dirname;
const BOARDS = path.join(ROOT, '..', 'dashboards');
const KINDS = { timeseries: 'TimeSeries', stat: 'Stat', bargauge: 'BarGauge', table: 'Table', heatmap: 'Heatmap' };
const CUSTOM = new Set(['timeseries', 'table', 'heatmap']); // those with field options of their own

const HEAD = `import type { Dashboard, FieldConfig, Panel, AnnotationQuery } from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';
${Object.entries(KINDS).map(([type, name]) => `import type * as ${type}_ from '@grafana/schema/dist/esm/raw/composable/${type}/panelcfg/x/${name}PanelCfg_types.gen';`).join('\n')}

// As JSON has it: enumerations are their texts.
type Json<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T : T extends (infer U)[] ? Json<U>[] : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Deep<T> = T extends (infer U)[] ? Deep<U>[] : T extends object ? { [K in keyof T]?: Deep<T[K]> } : T;
interface Source { type: 'prometheus'; uid: string }
interface Target { refId: string; expr: string; legendFormat?: string; instant: boolean; range: boolean; format?: 'time_series' | 'table' | 'heatmap'; datasource: Source }
interface Override { matcher: { id: 'byName' | 'byRegexp'; options: string }; properties: { id: string; value: unknown }[] }
type Of<T extends string, Options, Custom> = Json<Omit<Panel, 'options' | 'fieldConfig' | 'targets' | 'type'>> & {
  type: T; targets: Target[]; options: Json<Deep<Options>>; fieldConfig: { defaults: Json<Omit<FieldConfig, 'custom'>> & { custom?: Json<Deep<Custom>> }; overrides: Override[] };
};
type Annotation = Json<Omit<AnnotationQuery, 'target'>> & { expr: string; step: string; titleFormat: string; textFormat: string; tagKeys: string };
type Board = Json<Omit<Dashboard, 'panels' | 'annotations'>> & { annotations: { list: Annotation[] } };
`;

const lines = [HEAD];
for (const file of fs.readdirSync(BOARDS).filter((name) => name.endsWith('.json'))) {
  const { panels, ...board } = JSON.parse(fs.readFileSync(path.join(BOARDS, file)));
  const name = path.basename(file, '.json');
  lines.push(`export const ${name}: Board = ${JSON.stringify(board, null, 1)};`);
  for (const panel of panels) {
    if (!KINDS[panel.type]) throw new Error(`${file}: panel ${panel.id} is of type ${panel.type}; valid: ${Object.keys(KINDS).join(', ')}`);
    const custom = CUSTOM.has(panel.type) ? `${panel.type}_.FieldConfig` : '{}';
    lines.push(`export const ${name}_${panel.id}: Of<'${panel.type}', ${panel.type}_.Options, ${custom}> = ${JSON.stringify(panel, null, 1)};`);
  }
}
fs.writeFileSync(path.join(ROOT, 'types', 'check.ts'), lines.join('\n'));
