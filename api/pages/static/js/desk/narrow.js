// Which technicians the board shows: those whose name, areas and skills have a word for each that is typed.

const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const MANY = 6;

/** The choice of one desk. desk: see main. */
export function makeNarrow(desk) {
  let words = [];

  const fits = (technician) => {
    const about = plain([technician.name, ...technician.areas, ...technician.skills].join(" ")).split(/[\s,_-]+/);
    return words.every((word) => about.some((each) => each.startsWith(word)));
  };

  const narrow = {
    /** Whether there are so many technicians that choosing helps. */
    get helps() { return desk.model.technicians.length > MANY || narrow.isOn; },
    get isOn() { return words.length > 0; },
    /** The technicians that are shown. */
    get technicians() { return desk.model.technicians.filter(fits); },
    /** Shows those that fit a text. */
    to(text) {
      words = plain(text).split(/[\s,_-]+/).filter(Boolean);
      desk.narrowed();
    },
  };
  return narrow;
}
