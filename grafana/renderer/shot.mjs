// npm run pictures -- --prometheus URL [--from now-30m] [--to now] [--theme dark] [--out ../pictures] [BOARD ...]
// Draws the boards of ../dashboards into PNG files. Ends with 1 if a page or a query failed, or a picture is too big.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const ROOT = import.meta.dirname;
const MOST_BYTES = 400_000;
const WIDTH = 1600;
const QUIET_MS = 1500;
const MOST_MS = 90_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    prometheus: { type: 'string' },
    from: { type: 'string', default: 'now-30m' },
    to: { type: 'string', default: 'now' },
    theme: { type: 'string', default: 'dark' },
    out: { type: 'string', default: path.join(ROOT, '..', 'pictures') },
  },
});
if (!values.prometheus) throw new Error('--prometheus: not given; valid: the address of a Prometheus started with --web.cors.origin=.*');

function browserPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const places = process.env.PATH.split(path.delimiter).flatMap((folder) => names.map((name) => path.join(folder, name)));
  const found = process.env.CHROMIUM ?? places.find((file) => fs.existsSync(file));
  if (!found) throw new Error('no browser: install chromium (Debian: apt-get install chromium) or name one in CHROMIUM');
  return found;
}

/** Waits until every query was answered and nothing new was asked for a while. */
async function settled(page) {
  const end = Date.now() + MOST_MS;
  for (let last = '', since = Date.now(); Date.now() < end; ) {
    const now = await page.evaluate(() => JSON.stringify([window.asked ?? 0, window.pending ?? 0]));
    if (now !== last) [last, since] = [now, Date.now()];
    else if (Date.now() - since > QUIET_MS && /^\[[1-9]\d*,0\]$/.test(now)) return;
    await page.waitForTimeout(100);
  }
  throw new Error(`the page was not finished within ${MOST_MS / 1000} s`);
}

const boards = positionals.length ? positionals : ['overview', 'detail', 'pipeline', 'gateway'];
fs.mkdirSync(values.out, { recursive: true });
const site = await serve(ROOT);
const browser = await chromium.launch({
  executablePath: browserPath(),
  chromiumSandbox: process.getuid() !== 0, // Chromium has no sandbox for root
  args: ['--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
let failed = false;
const complain = (board, text) => {
  failed = true;
  console.error(`${board}: ${text}`);
};
for (const board of boards) {
  const page = await browser.newPage({ viewport: { width: WIDTH, height: 1000 } });
  page.on('pageerror', (error) => complain(board, error.stack));
  page.on('response', (answer) => answer.status() >= 400 && complain(board, `${answer.status()} ${answer.url()}`));
  page.on('console', (message) => message.type() === 'error' && console.error(`${board}: console: ${message.text().slice(0, 400)}`));
  const asked = new URLSearchParams({ board, prometheus: values.prometheus, from: values.from, to: values.to, theme: values.theme });
  await page.goto(`${site.address}/?${asked}`);
  await settled(page);
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  await page.setViewportSize({ width: WIDTH, height }); // what lies below the fold is drawn only once it is seen
  await settled(page);
  for (const error of await page.evaluate(() => window.failures)) complain(board, error);
  const file = path.join(values.out, `${board}.png`);
  await page.screenshot({ path: file, fullPage: true });
  const bytes = fs.statSync(file).size;
  if (bytes > MOST_BYTES) complain(board, `${file} has ${bytes} bytes; valid: up to ${MOST_BYTES}`);
  console.log(`${file}: ${Math.round(bytes / 1000)} kB, ${await page.evaluate(() => window.asked)} queries`);
  await page.close();
}
await browser.close();
site.close();
process.exitCode = failed ? 1 : 0;
