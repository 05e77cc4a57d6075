// The words of the visitor's language, which the server named in `<html lang>`. No sentence stands anywhere else.

const FILES = {
  en: () => import("../words/en.js"),
  da: () => import("../words/da.js"),
  is: () => import("../words/is.js"),
};

let known = {};

/** Loads the words. Everything else waits for it. */
export async function loadWords() {
  const language = document.documentElement.lang;
  known = (await (FILES[language] ?? FILES.en)()).default;
  return known;
}

export const words = () => known;

/** A text by its path, `group.name`, with its {places} filled. With `n` its form for one is `name_one`, if there is one. */
export function word(path, values = {}) {
  const [group, name] = path.split(".");
  const texts = known[group] ?? {};
  const text = (values.n !== undefined && isOne(values.n) && texts[`${name}_one`]) || texts[name];
  if (text === undefined) throw new Error(`There is no text ${path}.`);
  return text.replace(/\{(\w+)\}/g, (_, place) => values[place] ?? "");
}

function isOne(n) {
  return document.documentElement.lang === "is" ? n % 10 === 1 && n % 100 !== 11 : n === 1;
}
