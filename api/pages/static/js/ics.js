// A visit as an iCalendar file, RFC 5545, in UTC: it is right in each calendar, whatever zone that shows.

const stamp = (text) => new Date(text).toISOString().replace(/[-:]|\.\d{3}/g, "");
const plain = (text) => text.replace(/([\\;,])/g, "\\$1").replace(/\r?\n/g, "\\n");

/** A line of at most 75 bytes; what is longer goes on behind a blank in the next. */
function fold(line) {
  const lines = [];
  let current = "";
  let bytes = 0;
  for (const letter of line) {
    const size = new TextEncoder().encode(letter).length;
    if (bytes + size > 74) {
      lines.push(current);
      [current, bytes] = [" ", 1];
    }
    current += letter;
    bytes += size;
  }
  return [...lines, current].join("\r\n");
}

/** {id, start, end, made, title, place, about} -> the file's text. */
export function calendarText({ id, start, end, made, title, place, about }) {
  const lines = [
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Holdfast//Checkout//EN", "METHOD:PUBLISH",
    "BEGIN:VEVENT", `UID:${id}@holdfast`, `DTSTAMP:${stamp(made)}`, `DTSTART:${stamp(start)}`, `DTEND:${stamp(end)}`,
    `SUMMARY:${plain(title)}`, place && `LOCATION:${plain(place)}`, about && `DESCRIPTION:${plain(about)}`,
    "END:VEVENT", "END:VCALENDAR",
  ];
  return `${lines.filter(Boolean).map(fold).join("\r\n")}\r\n`;
}

/** Lets the browser save the visit as a file. */
export function saveCalendar(visit) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([calendarText(visit)], { type: "text/calendar" }));
  link.download = "visit.ics";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
