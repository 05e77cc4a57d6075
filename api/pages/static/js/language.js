// The language of the pages for the office: chosen by a link, kept in a cookie, and in the address as long as it names one.

import { h } from "./dom.js";
import { word } from "./words.js";

const NAMES = { en: "English", da: "Dansk", is: "Íslenska" };
const YEAR = 31_536_000;

const asked = () => {
  const language = new URLSearchParams(location.search).get("lang");
  return language in NAMES ? language : null;
};

/** Keeps the language that the address names for the next time. */
export function keepLanguage() {
  if (asked()) document.cookie = `desk_lang=${asked()}; path=/desk; max-age=${YEAR}; samesite=strict`;
}

/** An address of ours in another language. */
function inLanguage(href, language) {
  const address = new URL(href, location.href);
  address.searchParams.set("lang", language);
  return `${address.pathname}${address.search}${address.hash}`;
}

/** An address of ours, with the language that the present address names. */
export const withLanguage = (href) => (asked() ? inLanguage(href, asked()) : href);

/** Links to this page in each language. */
export function languages() {
  const now = document.documentElement.lang;
  return h("nav.languages", { key: "languages", "aria-label": word("desk.language") }, Object.entries(NAMES).map(([language, name]) =>
    h("a", { key: language, lang: language, hreflang: language, href: inLanguage(location.href, language), "aria-current": language === now ? "true" : null }, name)));
}
