// Figures as people write them: their digits, their precision and their unit, as the commands read them.

/** @typedef {{base: string, scale: number}} Unit */
/** @typedef {{bases: Record<string, string>, prefixes: [string, number][]}} Units */
/** @typedef {Unit & {value: number, low: number, high: number}} Figure what is printed, and what it may have been rounded from */
const FIGURE = /^(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(e[+-]?\d{1,3})?\s*((?:[a-z%万].*)?)$/i;

/** @returns {Unit | null} the unit of such words as GFLOPs or M params */
function unitOf(/** @type {string} */ text, /** @type {Units} */ {bases, prefixes}) {
  const words = text.trim().toLowerCase().replace(/\s+/g, '-');
  if (Object.hasOwn(bases, words) && words !== 'b') return {base: bases[words], scale: 1};
  if (!words) return {base: '', scale: 1};
  for (const [prefix, scale] of prefixes) {
    const rest = words.slice(prefix.length).replace(/^-+/, '');
    if (words.startsWith(prefix) && (!rest || Object.hasOwn(bases, rest))) return {base: bases[rest] || '', scale};
  }
  return null;
}

/** @returns {Figure | null} */
function printed(/** @type {string} */ text, /** @type {Units} */ units) {
  const parts = text.trim().match(FIGURE);
  const unit = parts && unitOf(parts[3], units);
  if (!parts || !unit) return null;
  const digits = parts[1].replaceAll(',', '');
  const power = Number((parts[2] || 'e0').slice(1));
  return inUnit(Number(`${digits}e${power}`), Number(`1e${power - (digits.split('.')[1] || '').length}`), unit);
}

/** A number is rounded or cut off at its last digit; the last zeros of an integer may fill it up. */
function inUnit(/** @type {number} */ value, /** @type {number} */ step, /** @type {Unit} */ unit) {
  const [, kept, zeros] = (step === 1 && String(value).match(/^(\d*[1-9])(0*)$/)) || ['', '', ''];
  const fills = zeros.length >= (kept.length > 1 ? 2 : 3) || (zeros.length > 0 && kept.length > 2);
  const room = Math.max(step, fills ? 10 ** zeros.length / 2 : 0) * (1 + 1e-9);
  return {...unit, value: value * unit.scale, low: (value - room) * unit.scale, high: (value + room) * unit.scale};
}

/** @returns {Figure[]} as it stands; a bare number that counts nothing also in G, M, T and k */
function readings(/** @type {Figure} */ figure) {
  if (figure.base || figure.scale !== 1 || figure.value >= 1e9) return [figure];
  const scaled = [1e9, 1e6, 1e12, 1e3].map(scale => ({...figure, scale, value: figure.value * scale, low: figure.low * scale, high: figure.high * scale}));
  return [figure, ...scaled];
}
const within = (/** @type {Figure} */ figure, /** @type {number} */ value) => figure.low <= value && value <= figure.high;
