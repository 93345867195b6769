// Plots as inline SVG, drawn by a few lines each. A share is 0 to 1, null where nothing was decided.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 260, HEIGHT = 96, LEFT = 34, TOP = 18, BOTTOM = 16;

export const percent = (share) => (share === null || share === undefined ? "–" : `${(share * 100).toFixed(1)}%`);

export function seconds(count) {
  const whole = Math.max(0, Math.round(count));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function part(parent, tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

export function plot(width = WIDTH, height = HEIGHT) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  return svg;
}

// The top of a scale: the least of some round shares that holds all values.
function ceiling(values) {
  const most = Math.max(0.001, ...values.filter((value) => value !== null && value !== undefined));
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8].find((top) => most <= top) ?? 1;
}

// Breach share of the last hour as it was; dashed: usual, dotted: allowed.
export function drawPast(svg, past, name, usual, allowed) {
  const line = past.lines[name] ?? [], times = past.at;
  svg.replaceChildren();
  const top = ceiling([...line, usual, allowed]);
  const first = times[0] ?? 0, span = Math.max(1, (times.at(-1) ?? 0) - first);
  const bottom = HEIGHT - BOTTOM;
  const x = (at) => LEFT + ((at - first) / span) * (WIDTH - LEFT - 4);
  const y = (share) => bottom - (share / top) * (bottom - TOP);
  part(svg, "path", { class: "axis", d: `M${LEFT} ${TOP}V${bottom}H${WIDTH - 4}` });
  part(svg, "text", { x: LEFT - 4, y: TOP + 4, "text-anchor": "end" }, `${top * 100}%`);
  part(svg, "text", { x: LEFT - 4, y: bottom + 3, "text-anchor": "end" }, "0");
  part(svg, "text", { x: LEFT, y: HEIGHT - 3 }, times.length > 1 ? `${seconds(span)} ago` : "from now on");
  part(svg, "text", { x: WIDTH - 4, y: HEIGHT - 3, "text-anchor": "end" }, "now");
  for (const [kind, share] of [["usual", usual], ["allowed", allowed]]) {
    if (share !== null && share !== undefined) part(svg, "path", { class: kind, d: `M${LEFT} ${y(share)}H${WIDTH - 4}` });
  }
  let path = "", pen = "M";
  line.forEach((share, place) => {
    if (share === null) { pen = "M"; return; }
    path += `${pen}${x(times[place]).toFixed(1)} ${y(share).toFixed(1)}`;
    pen = "L";
  });
  if (path) part(svg, "path", { class: "series", d: path });
  const last = line.at(-1);
  if (last !== null && last !== undefined) part(svg, "circle", { class: "dot", cx: x(times.at(-1)), cy: y(last), r: 3 });
  svg.setAttribute("aria-label", `Breach share of the last hour over ${seconds(span)}: now ${percent(last)}, ` +
    `usual ${percent(usual)}, allowed ${percent(allowed)}`);
}

// One bar a window, with a mark at what the objectives allow; over it: another colour and a wider mark.
export function drawWindows(svg, windows, line, small = false) {
  svg.replaceChildren();
  const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
  const top = ceiling([...line.share, ...line.allowed]), step = width / windows.length;
  const head = small ? 2 : TOP, bottom = small ? height - 1 : height - BOTTOM;
  windows.forEach((window, place) => {
    const share = line.share[place], allowed = line.allowed[place], left = place * step + step * 0.15, wide = step * 0.7;
    const y = (value) => bottom - (value / top) * (bottom - head);
    if (share !== null) {
      const over = allowed !== null && share > allowed;
      part(svg, "rect", { class: over ? "bar over" : "bar", x: left, y: y(share), width: wide, height: Math.max(bottom - y(share), 1) });
      if (allowed !== null) part(svg, "path", { class: "mark", d: `M${left - 2} ${y(allowed)}h${wide + 4}` });
    }
    if (small) return;
    part(svg, "text", { x: left + wide / 2, y: height - 3, "text-anchor": "middle" }, window);
    const label = share === null ? "–" : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}%`;
    part(svg, "text", { class: "value", x: left + wide / 2, y: y(Math.max(share ?? 0, (share !== null && allowed) || 0)) - 4, "text-anchor": "middle" }, label);
  });
  part(svg, "path", { class: "axis", d: `M0 ${bottom}H${width}` });
  svg.setAttribute("aria-label", "Breach share by window: " +
    windows.map((window, place) => `${window} ${percent(line.share[place])} of ${percent(line.allowed[place])} allowed`).join(", "));
}
