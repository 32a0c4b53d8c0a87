"use strict";
// What the viewer's pages do: sort and filter the list, draw curves, turn jets. It loads nothing from elsewhere.

// Okabe and Ito's colours, which people see who do not tell red from green.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b0a800", "#777777"];
const byId = (id) => document.getElementById(id);

function listed() {
  const table = byId("runs");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const filter = byId("filter"), count = byId("count"), compare = byId("compare");
  const ticked = () => rows.filter((row) => row.cells[0].firstElementChild.checked).length;
  const look = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown === rows.length ? `${shown} runs` : `${shown} of ${rows.length} runs`;
    compare.disabled = ticked() < 1;
  };
  const value = (row, column) => {
    const cell = row.cells[column], given = cell.dataset.value;
    return given === undefined ? cell.textContent.trim().toLowerCase() : given === "" ? null : Number(given);
  };
  heads.forEach((head, column) => head.firstElementChild?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
    rows.sort((a, b) => {
      const [x, y] = [value(a, column), value(b, column)];
      if (x === null || y === null) return (x === null) - (y === null); // what is not known comes last
      return down * (typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true }));
    });
    body.append(...rows);
  }));
  filter.addEventListener("input", look);
  table.addEventListener("change", look);
  look();
}

function paper(canvas) {
  // A canvas's drawing context in units of CSS pixels, empty.
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = "12px system-ui, sans-serif";
  const ink = getComputedStyle(document.body).color;
  return { context, width, height, ink };
}

function drawCurves(canvas, lines) {
  const { context, width, height, ink } = paper(canvas);
  const points = lines.flatMap((line) => line.points);
  const range = (values) => [Math.min(...values), Math.max(...values)];
  let [left, right] = range(points.map((p) => p[0])), [low, high] = range(points.map((p) => p[1]));
  if (left === right) right = left + 1;
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const box = { x: 52, y: 8, w: width - 62, h: height - 34 };
  const at = ([x, y]) => [box.x + (box.w * (x - left)) / (right - left), box.y + box.h * (1 - (y - low) / (high - low))];
  context.strokeStyle = context.fillStyle = ink;
  context.globalAlpha = 0.6;
  context.strokeRect(box.x, box.y, box.w, box.h);
  context.textAlign = "right";
  for (const y of [low, (low + high) / 2, high]) context.fillText(y.toPrecision(3), box.x - 4, at([left, y])[1] + 4);
  context.fillText(String(right), box.x + box.w, height - 10);
  context.textAlign = "left";
  context.fillText(String(left), box.x, height - 10);
  context.textAlign = "center";
  context.fillText("iteration", box.x + box.w / 2, height - 10);
  context.globalAlpha = 1;
  for (const line of lines) {
    context.strokeStyle = context.fillStyle = line.colour;
    context.lineWidth = 1.6;
    context.beginPath();
    line.points.map(at).forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
    if (line.points.length === 1) context.fillRect(at(line.points[0])[0] - 2, at(line.points[0])[1] - 2, 4, 4);
  }
}

async function curves() {
  const place = byId("curves");
  if (!place) return;
  const runs = Object.entries(await (await fetch(place.dataset.curves)).json());
  const metrics = [...new Set(runs.flatMap(([, found]) => Object.keys(found)))];
  const drawn = metrics.map((metric) => {
    const box = document.createElement("div"), title = document.createElement("h3"), canvas = document.createElement("canvas");
    title.textContent = metric;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${metric} over iterations`);
    box.append(title, canvas);
    place.append(box);
    const lines = runs.map(([, found], i) => ({ points: found[metric] || [], colour: COLOURS[i % COLOURS.length] }));
    return () => drawCurves(canvas, lines.filter((line) => line.points.length));
  });
  if (!metrics.length) place.textContent = "No curves were recorded.";
  const draw = () => drawn.forEach((one) => one());
  window.addEventListener("resize", draw);
  draw();
  place.dataset.ready = "yes";
}

function keys() {
  for (const key of document.querySelectorAll(".key[data-key]"))
    key.style.backgroundColor = COLOURS[Number(key.dataset.key) % COLOURS.length];
}

function drawJet(canvas, jet, kinds, turn) {
  const { context, width, height, ink } = paper(canvas);
  const size = 0.4 * Math.min(width, height * 1.1) / jet.side;
  const project = (x, y, z) => {
    const [c, s] = [Math.cos(turn.round), Math.sin(turn.round)], [a, b] = [c * x - s * y, s * x + c * y];
    return [width / 2 + size * a, height * 0.62 + size * (b * Math.sin(turn.tilt) - z * Math.cos(turn.tilt)), b];
  };
  const line = (from, to) => {
    context.beginPath();
    context.moveTo(from[0], from[1]);
    context.lineTo(to[0], to[1]);
    context.stroke();
  };
  context.strokeStyle = context.fillStyle = ink;
  context.globalAlpha = 0.25;
  for (let i = -4; i <= 4; i++) {
    const k = (i / 4) * jet.side;
    line(project(k, -jet.side, 0), project(k, jet.side, 0));
    line(project(-jet.side, k, 0), project(jet.side, k, 0));
  }
  context.globalAlpha = 0.8;
  for (const [text, x, y] of [["Δη", 1.12, 0], ["Δφ", 0, 1.12]]) {
    const [u, v] = project(x * jet.side, y * jet.side, 0);
    context.fillText(text, u, v);
  }
  const posts = jet.particles.map(([x, y, pt, kind]) => {
    const z = 0.28 * jet.side * Math.max(Math.log10(pt / 0.1), 0.05);
    return { foot: project(x, y, 0), head: project(x, y, z), colour: COLOURS[kind % COLOURS.length] };
  });
  posts.sort((a, b) => a.foot[2] - b.foot[2]);
  context.globalAlpha = 0.85;
  for (const post of posts) {
    context.strokeStyle = context.fillStyle = post.colour;
    context.lineWidth = 2;
    line(post.foot, post.head);
    context.beginPath();
    context.arc(post.head[0], post.head[1], 3.5, 0, 7);
    context.fill();
  }
}

async function jets() {
  const canvas = byId("jets");
  if (!canvas) return;
  const words = byId("jet"), answer = await fetch(canvas.dataset.jets);
  if (!answer.ok) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    words.textContent = page.querySelector(".problem")?.textContent || "The jets cannot be made.";
    return;
  }
  const made = await answer.json(), turn = { round: 0.6, tilt: 0.55 };
  let number = 0, held = null;
  const draw = () => {
    const shown = byId("simulated").checked ? made.simulated : made.pseudo, jet = shown[number % shown.length];
    words.textContent = `${(number % shown.length) + 1} of ${shown.length}: ${jet.pt} GeV, mass ${jet.mass} GeV, ` +
      `${jet.particles.length} particles`;
    drawJet(canvas, { ...jet, side: made.side }, made.kinds, turn);
  };
  const go = (by) => { number = (number + by + made.pseudo.length) % made.pseudo.length; draw(); };
  made.kinds.forEach((kind, i) => {
    const item = document.createElement("li"), key = document.createElement("span");
    key.className = "key";
    key.style.backgroundColor = COLOURS[i];
    item.append(key, kind);
    byId("kinds").append(item);
  });
  byId("before").addEventListener("click", () => go(-1));
  byId("after").addEventListener("click", () => go(1));
  byId("simulated").addEventListener("change", draw);
  canvas.addEventListener("pointerdown", (event) => { held = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointerup", () => { held = null; });
  const rotate = (x, y) => {
    turn.round += x;
    turn.tilt = Math.min(Math.max(turn.tilt + y, 0.05), 1.55);
    draw();
  };
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    rotate((event.clientX - held[0]) * 0.01, (event.clientY - held[1]) * 0.01);
    held = [event.clientX, event.clientY];
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
    if (!by) return;
    event.preventDefault();
    rotate(...by);
  });
  window.addEventListener("resize", draw);
  draw();
  canvas.dataset.ready = "yes";
}

listed();
keys();
curves();
jets();
