// Before any import of @grafana: the libraries read these at load, where Grafana's server would have put them.
const settings = { buildInfo: { version: '13.2.2', env: 'production' }, featureToggles: {}, datasources: {}, panels: {}, theme: {} };
window.grafanaBootData = { settings, user: { timezone: 'browser', locale: 'en-US', weekStart: 'browser' }, navTree: [] };
window.__grafana_public_path__ = '/public/';
window.failures = [];
window.asked = 0;
window.pending = 0;
window.addEventListener('error', (event) => window.failures.push(String(event.error?.stack ?? event.message)));
