// Bundles src/ into dist/main.js.
import * as esbuild from 'esbuild';

const data = Object.fromEntries(['.svg', '.woff2', '.woff', '.ttf', '.png'].map((kind) => [kind, 'dataurl']));
await esbuild.build({
  entryPoints: ['src/main.jsx'],
  outfile: 'dist/main.js',
  bundle: true,
  minify: true,
  format: 'iife',
  jsx: 'automatic',
  mainFields: ['browser', 'module', 'main'],
  loader: data,
  define: { 'process.env.NODE_ENV': '"production"', 'process.env': '{}', global: 'window' },
  alias: { 'react-router-dom-v5-compat': 'react-router-dom' }, // what @grafana/scenes asks for; v6 has the same exports
  logLevel: 'warning',
});
