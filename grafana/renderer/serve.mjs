// This folder, the boards and the files Grafana's libraries ask for, on a free port of loopback.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', json: 'application/json', svg: 'image/svg+xml', woff2: 'font/woff2' };

// Not among the published icons, though published components ask for them.
const STAND_INS = { 'angle-double-left.svg': 'angle-left.svg', 'sync-slash.svg': 'sync.svg' };

function fileOf(root, url) {
  if (url === '/') return path.join(root, 'index.html');
  if (url.startsWith('/dashboards/')) return path.join(root, '..', url);
  if (url.startsWith('/public/fonts/inter/')) {
    const weight = url.includes('Medium') ? '500' : '400';
    return path.join(root, `node_modules/@fontsource/inter/files/inter-latin-${weight}-normal.woff2`);
  }
  if (url.startsWith('/public/')) {
    const name = path.posix.basename(url);
    const asked = url.replace('/public/build/', '/public/').replace(name, STAND_INS[name] ?? name);
    return path.join(root, 'node_modules/@grafana/ui/dist', asked);
  }
  return path.join(root, url);
}

/** Starts to serve; resolves to the address and a function that ends it. */
export function serve(root) {
  const server = http.createServer((request, response) => {
    const file = fileOf(root, path.posix.normalize(decodeURIComponent(request.url.split('?')[0])));
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file).slice(1)] ?? 'application/octet-stream' });
    fs.createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }));
  });
}
