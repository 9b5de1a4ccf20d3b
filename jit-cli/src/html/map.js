// The map: a rectangle for each stencil, whose area is its size. Stencils of a family are together.

const GAP = 1;
const HEAD = 15;

// Divides a rectangle among items with sizes, the largest first, so that each part is about square ("Squarified
// Treemaps", Bruls, Huizing and van Wijk, 2000). Calls `place` for each item with its rectangle.
function squarify(items, { x, y, width, height }, place) {
  let total = items.reduce((sum, item) => sum + item.size, 0);
  let first = 0;
  while (first < items.length && total > 0) {
    const across = width >= height;
    const side = across ? height : width;
    const scale = (width * height) / total;
    let count = 0;
    let sum = 0;
    let worst = Infinity;
    while (first + count < items.length) {
      const next = sum + items[first + count].size;
      // The thickness of the row if it has one more item.
      const thick = (next * scale) / side;
      const ratio = (size) => {
        const long = (size * scale) / thick;
        return Math.max(thick / long, long / thick);
      };
      const worse = Math.max(ratio(items[first].size), ratio(items[first + count].size));
      if (count > 0 && !(worse <= worst)) break;
      worst = worse;
      sum = next;
      count += 1;
    }
    const thick = side > 0 ? (sum * scale) / side : 0;
    let along = 0;
    for (const item of items.slice(first, first + count)) {
      const long = sum > 0 ? (side * item.size) / sum : 0;
      place(item, across
        ? { x, y: y + along, width: thick, height: long }
        : { x: x + along, y, width: long, height: thick });
      along += long;
    }
    if (across) { x += thick; width -= thick; } else { y += thick; height -= thick; }
    total -= sum;
    first += count;
  }
}

function put(element, { x, y, width, height }, gap) {
  element.style.left = `${x}px`;
  element.style.top = `${y}px`;
  element.style.width = `${Math.max(width - gap, 0)}px`;
  element.style.height = `${Math.max(height - gap, 0)}px`;
}

// Returns the class of a stencil's color.
function tint(stencil) {
  if (state.build.compared) return change(stencil, state.measure);
  const code = stencil.after[CODE];
  const cold = code > 0 ? (code - stencil.after[HOT]) / code : 0;
  return `cold${Math.min(Math.floor(cold * 4), 3)}`;
}

const tints = {
  cold0: "less than a quarter of the code is cold",
  cold1: "a quarter or more is cold",
  cold2: "half or more is cold",
  cold3: "three quarters or more are cold",
  grew: "\u25b2 grew", shrank: "\u25bc shrank", new: "\u271a new", changed: "\u2248 changed, same size", same: "same",
};

// Returns what to say about a stencil.
function said(stencil) {
  const { measure, build } = state;
  const parts = [`${shown(amount(stencil, measure))} ${measure === BYTES ? "bytes" : measure.title}`];
  if (build.compared && stencil.differs) {
    const what = change(stencil, measure);
    parts.push(stencil.before && stencil.after ? `${what}, ${signed(growth(stencil, measure))}` : what);
  }
  return `${stencil.name}: ${parts.join(", ")}`;
}

function details(stencil) {
  const all = data.columns.map((name, index) => `${name} ${shown(stencil.after?.[index] ?? 0)}`);
  return `${said(stencil)} \u2014 ${all.join(", ")}`;
}

function cell(stencil, rectangle) {
  const { width, height } = rectangle;
  const made = make("button", { type: "button", className: `cell ${tint(stencil)}`, tabIndex: -1, "aria-label": said(stencil) });
  put(made, rectangle, GAP);
  if (width > 44 && height > 15) made.append(make("span", null, stencil.name.replace(/^_/, "")));
  if (width > 44 && height > 30) {
    const mark = state.build.compared && stencil.differs ? ` ${signed(growth(stencil, state.measure))}` : "";
    made.append(make("small", null, shown(amount(stencil, state.measure)) + mark));
  }
  made.stencil = stencil;
  return made;
}

// Draws the map of stencils.
function drawMap(stencils) {
  const map = byId("map");
  const { measure } = state;
  const families = new Map();
  for (const stencil of stencils) {
    const size = amount(stencil, measure);
    if (size <= 0 || stencil.build !== state.build) continue;
    const members = families.get(stencil.family) ?? [];
    members.push({ stencil, size });
    families.set(stencil.family, members);
  }
  const descending = (one, other) => other.size - one.size;
  const groups = [...families].map(([name, members]) => ({
    name, members: members.sort(descending), size: members.reduce((sum, one) => sum + one.size, 0),
  })).sort(descending);
  const parts = document.createDocumentFragment();
  squarify(groups, { x: 0, y: 0, width: map.clientWidth, height: map.clientHeight }, (group, box) => {
    const inner = { ...box, width: box.width - GAP, height: box.height - GAP };
    if (group.members.length > 1 && box.width > 60 && box.height > 3 * HEAD) {
      const head = make("div", { className: "family", "aria-hidden": "true" }, group.name.replace(/^_/, ""));
      put(head, { ...box, height: HEAD }, GAP);
      parts.append(head);
      inner.y += HEAD;
      inner.height -= HEAD;
    }
    squarify(group.members, inner, ({ stencil }, rectangle) => parts.append(cell(stencil, rectangle)));
  });
  map.replaceChildren(parts);
  const first = map.querySelector("button");
  if (first) first.tabIndex = 0;
  else map.append(make("p", null, `No stencil here has any ${measure.title}.`));
  map.setAttribute("aria-label", `Map of ${state.build.title} by ${measure.title}. Arrow keys move, Enter shows the code.`);
  byId("pointed").textContent = "Point at a stencil, or move with the arrow keys; a click or Enter shows its code.";
  const keys = state.build.compared ? ["grew", "shrank", "new", "changed", "same"] : ["cold0", "cold1", "cold2", "cold3"];
  byId("legend").replaceChildren(...keys.map((key) =>
    make("li", null, make("span", { className: `swatch ${key}` }), tints[key])));
}

// Returns the nearest cell in a direction.
function neighbour(from, [dx, dy]) {
  const centre = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
  };
  const [x, y] = centre(from);
  let best = null;
  let least = Infinity;
  for (const other of byId("map").querySelectorAll("button")) {
    const [ox, oy] = centre(other);
    const ahead = (ox - x) * dx + (oy - y) * dy;
    const aside = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (other === from || ahead <= 0.5 || aside > 4 * ahead) continue;
    const distance = ahead + 2 * aside;
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

function moveTo(next) {
  if (!next) return;
  for (const old of byId("map").querySelectorAll("button[tabindex='0']")) old.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function listenToMap() {
  const map = byId("map");
  const of = (event) => event.target.closest?.("#map button");
  map.addEventListener("keydown", (event) => {
    const from = of(event);
    if (!from || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = map.querySelectorAll("button");
    if (event.key in DIRECTIONS) moveTo(neighbour(from, DIRECTIONS[event.key]));
    else if (event.key === "Home") moveTo(all[0]);
    else if (event.key === "End") moveTo(all[all.length - 1]);
    else return;
    event.preventDefault();
  });
  map.addEventListener("click", (event) => {
    const from = of(event);
    if (from) go(from.stencil);
  });
  for (const kind of ["pointerover", "focusin"]) {
    map.addEventListener(kind, (event) => {
      const from = of(event);
      if (from) byId("pointed").textContent = details(from.stencil);
    });
  }
}
