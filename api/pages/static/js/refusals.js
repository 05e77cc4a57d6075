// What a refusal says to a customer, in their language: by its code, else the API's own sentence.

import { NoAnswer } from "./api.js";
import { word, words } from "./words.js";

/** The sentence of a Problem or of NoAnswer. */
export function sentenceOf(error) {
  if (error instanceof NoAnswer) return word("connection.no_answer");
  return words().codes[error.code] ?? error.message;
}
