// All models and counters: what is shown stands in the address, and is what is exported.

const [controls, unit, panel, count] = byId('controls', 'figures', 'export', 'count'), ROWS = 200;
const picked = () => new FormData(controls).getAll('counters');
const named = (/** @type {string[]} */ usual) => picked().length ? picked() : usual;

/** @type {Record<string, (cell: Said) => string>} a figure as it is shown */
const SHOWN = {
  gmac: ([value, base]) => (Number(value) / (base === 'FLOP' ? 2e9 : 1e9)).toPrecision(4),
  exact: ([value]) => grouped(value), ratio: ([, , , , words]) => words,
};
const shown = (/** @type {Cell} */ cell) => Array.isArray(cell) ? SHOWN[unit.value](cell) : cell || '';
/** @type {(cell: Cell) => string} without words that a spreadsheet would take for a date: 1/12 */
const plain = cell => Array.isArray(cell) && unit.value === 'ratio' ? String(cell[2] ?? '') : shown(cell);
/** @type {(cell: Cell) => number} what a column is sorted by; those without a figure come first */
const size = cell => !Array.isArray(cell) ? -3 : unit.value === 'ratio' ? cell[2] ?? -2
  : Number(cell[0]) / (cell[1] === 'FLOP' ? 2 : 1);
/** @type {(row: Row, text: Part, anchor?: string, title?: string | false) => Made} */
const linked = ({id}, text, anchor = '', title = false) => make('a', {href: `model/${id}.html${anchor}`, title}, text);
const RIGHT = {hozAlign: 'right', headerHozAlign: 'right', headerVertical: 'flip'};
/** @type {(value: number | null, scale: number) => string} */
const rounded = (value, scale) => value === null ? '' : (value / scale).toPrecision(4);
/** @type {(title: string, field: string, scale: number) => GridField} */
const numbers = (title, field, scale) => ({title, field, ...RIGHT, sorter: 'number',
  formatter: cell => rounded(cell.getValue(), scale)});
/** @type {(title: string, place: number) => GridField} */
const figures = (title, place) => ({title, field: `said.${place}`, ...RIGHT, sorter: (a, b) => size(a) - size(b),
  formatter(cell) {
    const said = cell.getValue(), isFigure = Array.isArray(said);
    const word = ['refused', 'failed'].includes(said) ? said : said && 'absent';
    cell.getElement().className += ` ${isFigure ? said[3] : word || ''}`;
    return linked(cell.getData(), shown(said), `#${title}`, isFigure && `${grouped(said[0])} ${said[1]}`);
  }});

/** @type {(told: Shards['table'], seen: Row[], isRaw: boolean) => Export} what one sees in plain numbers, or what of
 * it as a page holds */
function exported({counters, brief, versions, made, suites}, seen, isRaw) {
  const rows = isRaw ? seen : seen.slice(0, ROWS), names = named(isRaw ? counters : brief[unit.value]);
  const places = counters.flatMap((name, n) =>
    names.includes(name) && rows.some(({said}) => Array.isArray(said[n])) ? [n] : []);
  const caption = `Compute of ${rows.length} models by ${places.length} counters. ${unit.selectedOptions[0].text}. `
    + `${made} Suites: ${[...new Set(rows.map(row => suites[row.suite]))].join(', ')}. `
    + `Versions: ${places.map(place => versions[place]).join(', ')}.`;
  const sizes = isRaw ? ['parameters', 'reference MAC'] : ['M parameters', 'reference GMAC'];
  /** @type {(value: number | null, scale: number) => string} */
  const told = (value, scale) => isRaw ? `${value ?? ''}` : rounded(value, scale);
  const cells = (/** @type {Row} */ row) => [row.name, row.input, told(row.params, 1e6), told(row.macs, 1e9),
    ...places.map(place => (isRaw ? plain : shown)(row.said[place]).replaceAll(',', ''))];
  return {caption, lines: [['model', 'input', ...sizes, ...places.map(place => counters[place])], ...rows.map(cells)]};
}
/** @type {Record<string, string>} signs of LaTeX that a backslash does not escape, and ours */
const SIGNS = {'\\': '\\textbackslash{}', '~': '\\~{}', '^': '\\^{}', '×': '$\\times$', '≈': '$\\approx$'};
const tex = (/** @type {string} */ text) => text.replace(/[\\&%$#_{}~^×≈]/g, sign => SIGNS[sign] ?? `\\${sign}`);
/** @type {(made: Export) => string} */
function latex({caption, lines}) {
  const [first, ...rest] = lines.map((line, row) => line.map((text, at) =>
    row || at < 2 ? tex(text) : `\\rotatebox{90}{${tex(text)}}`).join(' & ').concat(' \\\\'));
  return ['% \\usepackage{booktabs,graphicx}', '\\begin{table}', '\\centering\\footnotesize\\setlength\\tabcolsep{4pt}',
    `\\caption{${tex(caption)}}`, `\\begin{tabular}{ll${'r'.repeat(lines[0].length - 2)}}`, '\\toprule', first,
    '\\midrule', ...rest, '\\bottomrule', '\\end{tabular}', '\\end{table}'].join('\n');
}
/** @type {(made: Export) => string} */
const csv = ({caption, lines}) => [`# ${caption}`, ...lines.map(line =>
  line.map(text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text).join(','))].join('\n');

const typed = () => controls.models.value.split(',').map(squashed).filter(Boolean);
/** @type {(a: string, b: string) => number} as they are typed, others by the alphabet */
const byName = (a, b) => typed().indexOf(squashed(a)) - typed().indexOf(squashed(b)) || a.localeCompare(b);
load('table').then(told => {
  const {counters, rows} = told, state = new URLSearchParams(location.hash.slice(1));
  for (const each of controls.elements) {
    const values = state.getAll(each.name), isBox = each.type === 'checkbox';
    Object.assign(each, isBox ? {checked: values.includes(each.value)} : {value: values[0] || each.value});
  }
  panel.hidden = !state.has('latex');
  const table = new Tabulator('#grid', {
    data: rows, maxHeight: 'max(20rem, calc(100vh - 18rem))', layout: 'fitData', printRowRange: 'active',
    columnDefaults: {headerSortTristate: true, resizable: false}, printAsHtml: true, printStyled: false,
    columns: [{title: 'Model', field: 'name', frozen: true, minWidth: 130, maxWidth: Math.max(130, innerWidth / 4),
      sorter: byName, formatter: cell => linked(cell.getData(), cell.getValue(), '', cell.getValue())},
    numbers('GMAC', 'macs', 1e9), ...counters.map(figures), numbers('M parameters', 'params', 1e6),
    {title: 'Input', field: 'input'}, {title: 'Suite', field: 'suite'}],
  });
  const taken = (/** @type {boolean} */ isRaw) => exported(told, table.getData('active'), isRaw);
  const showLatex = () => panel.querySelector('code').replaceChildren(latex(taken(false)));
  function apply() {
    const {kind, family} = controls, names = typed(), open = named(counters);
    for (const [at, name] of counters.entries()) table[open.includes(name) ? 'showColumn' : 'hideColumn'](`said.${at}`);
    table.setFilter(row => [row.section, ''].includes(kind.value) && [row.family, ''].includes(family.value)
      && (names.length > 1 ? names.includes(squashed(row.name)) : squashed(row.name).includes(names.join())));
    if (names.length > 1) table.setSort('name', 'asc');
    table.redraw(true);
    const set = [...new FormData(controls)].filter(([, value]) => value && value !== 'ratio');
    history.replaceState(null, '', `#${new URLSearchParams(/** @type {string[][]} */ (set))}`);
    count.textContent = `${table.getDataCount('active')} of ${rows.length} models`;
    if (!panel.hidden) showLatex();
  }
  controls.latex.onclick = () => { panel.hidden = !panel.hidden; showLatex(); };
  controls.csv.onclick = () => table.download((_, __, save) => save(csv(taken(true)), 'text/csv'), 'flop-counters.csv');
  controls.oninput = apply;
  table.on('tableBuilt', () => {
    document.querySelector('.tabulator-tableholder')?.setAttribute('role', 'rowgroup');
    document.querySelector('.tabulator-table')?.setAttribute('role', 'presentation');
    apply();
  });
});
