// What the page knows: the sizes of all stencils, and their code.

const byId = (id) => document.getElementById(id);

// Returns a new element with properties and children. Strings become text, never elements.
function make(name, properties, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (key in made && !key.includes("-")) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const data = JSON.parse(byId("sizes").textContent);
const column = (name) => data.columns.indexOf(name);
const CODE = column("code");
const HOT = column("hot");
const DATA = column("data");

// The numbers that stencils can be compared by. They take an array of sizes.
const measures = [
  { name: "bytes", title: "code and data", of: (sizes) => sizes[CODE] + sizes[DATA] },
  ...data.columns.map((name, index) => ({ name, title: name, of: (sizes) => sizes[index] })),
];
const BYTES = measures[0];

const builds = data.builds.map(({ title, target, compared, rows }, index) => {
  const build = { title, target, compared, index };
  build.stencils = rows.map(([number, after, before], place) => ({
    build,
    name: data.names[number],
    family: data.families[number],
    place,
    after: after || null,
    // Stencils that are the same as before have no other sizes.
    before: before === undefined ? after || null : before || null,
    differs: before !== undefined,
  }));
  build.byName = new Map(build.stencils.map((stencil) => [stencil.name, stencil]));
  return build;
});
const isCompared = builds.some((build) => build.compared);

const amount = (stencil, measure) => (stencil.after ? measure.of(stencil.after) : 0);
const amountBefore = (stencil, measure) => (stencil.before ? measure.of(stencil.before) : 0);
const growth = (stencil, measure) => amount(stencil, measure) - amountBefore(stencil, measure);

const shown = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");
// Growth has a sign, so that no color is needed to tell it.
const signed = (number) => (number > 0 ? "+" : number < 0 ? "\u2212" : "\u00b1") + shown(Math.abs(number));

// What has become of a stencil since the other build.
function change(stencil, measure) {
  if (!stencil.differs) return "same";
  if (!stencil.before) return "new";
  if (!stencil.after) return "removed";
  const by = growth(stencil, measure);
  return by > 0 ? "grew" : by < 0 ? "shrank" : "changed";
}

// The code is read when it is needed.
let codes = null;
function allCode() {
  codes ??= JSON.parse(byId("code").textContent);
  return codes;
}

// Returns a function that says whether a stencil has all the words, in its name or in its code.
function finder(query, deep) {
  const words = query.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const found = words.map((word) => {
    const lines = new Set();
    if (deep) {
      allCode().lines.forEach(([text], number) => {
        if (text.toLowerCase().includes(word)) lines.add(number);
      });
    }
    return { word, lines };
  });
  return (stencil) => found.every(({ word, lines }) =>
    stencil.name.toLowerCase().includes(word)
    || (lines.size > 0 && allCode().builds[stencil.build.index][stencil.place][0].some((line) => lines.has(line))));
}

// What is shown. `sort` is the key of a column of the table.
const state = {
  build: builds[0],
  measure: BYTES,
  view: "sizes",
  sort: "bytes",
  descending: true,
  limit: 1000,
};
