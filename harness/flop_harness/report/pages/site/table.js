// All models and counters: what is shown stands in the address, and is what is exported.

const [filter, preset, family, unit, panel, count] = ['filter', 'preset', 'family', 'figures', 'export', 'count']
  .map(id => /** @type {HTMLInputElement} */ (document.getElementById(id)));
const controls = Object.entries({models: filter, kind: preset, family, figures: unit}), MOST = 200;

/** @type {Record<string, (cell: [Amount, string, number | null, string]) => string>} a figure as it is shown */
const SHOWN = {
  exact: ([value]) => grouped(value),
  gmac: ([value, base]) => (Number(value) / (base === 'FLOP' ? 2e9 : 1e9)).toPrecision(4),
  ratio: ([, , share]) => share === null ? '' : share === 0 || share === -1 ? String(1 + share)
    : Math.abs(share) < 5e-4 ? '≈1' : (1 + share).toFixed(3),
};
const shown = (/** @type {Cell} */ cell) => Array.isArray(cell) ? SHOWN[unit.value](cell) : cell || '';
/** @type {(cell: Cell) => number} what a column is sorted by; those without a figure come first */
const size = cell => !Array.isArray(cell) ? -3 : unit.value === 'ratio' ? cell[2] ?? -2
  : Number(cell[0]) / (cell[1] === 'FLOP' ? 2 : 1);
/** @type {(row: Row, text: Part, anchor?: string, title?: string | false) => Made} */
const linked = ({id}, text, anchor = '', title = false) => make('a', {href: `model/${id}.html${anchor}`, title}, text);
const RIGHT = {hozAlign: 'right', headerHozAlign: 'right'};
/** @type {(title: string, field: string, scale: number) => GridField} */
const numbers = (title, field, scale) => ({title, field, ...RIGHT, sorter: 'number',
  formatter: cell => cell.getValue() && (cell.getValue() / scale).toPrecision(4)});
/** @type {(title: string, place: number) => GridField} */
const figures = (title, place) => ({title, field: `said.${place}`, ...RIGHT, sorter: (a, b) => size(a) - size(b),
  formatter(cell) {
    const said = cell.getValue(), isFigure = Array.isArray(said);
    const word = ['refused', 'failed'].includes(said) ? said : said && 'absent';
    cell.getElement().className += ` ${isFigure ? said[3] : word || ''}`;
    return linked(cell.getData(), shown(said), `#${title}`, isFigure && `${grouped(said[0])} ${said[1]}`);
  }});

/** @type {(told: Shards['table'], seen: Row[]) => {caption: string, lines: string[][]}} what one sees */
function exported({counters, made}, seen) {
  const places = [...counters.keys()].filter(place => seen.some(row => Array.isArray(row.said[place])));
  const words = {ratio: 'ratio to the reference', gmac: 'GMAC', exact: 'figures as reported'}[unit.value];
  const caption = `Compute of ${seen.length} models by ${places.length} counters, ${words}. ${made}`;
  const heads = ['model', 'input', 'parameters', 'reference MAC', ...places.map(place => counters[place])];
  const cells = (/** @type {Row} */ row) => [row.name, row.input, `${row.params ?? ''}`, `${row.macs ?? ''}`,
    ...places.map(place => shown(row.said[place]).replaceAll(',', ''))];
  return {caption, lines: [heads, ...seen.map(cells)]};
}
/** @type {Record<string, string>} signs of LaTeX that a backslash does not escape, and ours */
const SIGNS = {'\\': '\\textbackslash{}', '~': '\\textasciitilde{}', '^': '\\textasciicircum{}',
  '×': '$\\times$', '≈': '$\\approx$'};
const tex = (/** @type {string} */ text) => text.replace(/[\\&%$#_{}~^×≈]/g, sign => SIGNS[sign] ?? `\\${sign}`);
/** @type {(made: {caption: string, lines: string[][]}) => string} */
function latex({caption, lines}) {
  const [heads, ...body] = lines.slice(0, MOST + 1).map(line => `${line.map(tex).join(' & ')} \\\\`);
  const columns = `ll${'r'.repeat(lines[0].length - 2)}`;
  return ['% \\usepackage{booktabs}', '\\begin{table}', `\\caption{${tex(caption)}}`, `\\begin{tabular}{${columns}}`,
    '\\toprule', heads, '\\midrule', ...body, '\\bottomrule', '\\end{tabular}', '\\end{table}'].join('\n');
}
/** @type {(made: {caption: string, lines: string[][]}) => string} */
const csv = ({caption, lines}) => [`# ${caption}`, ...lines.map(line =>
  line.map(text => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text).join(','))].join('\n');

load('table').then(told => {
  const {counters, presets, families, rows} = told;
  const option = (/** @type {string[]} */ [name, value]) => make('option', {value}, name);
  preset.append(...presets.map(option));
  family.append(...families.map(option));
  const state = new URLSearchParams(location.hash.slice(1));
  for (const [name, control] of controls) control.value = state.get(name) || control.value;
  const table = new Tabulator('#grid', {
    data: rows, height: 'max(20rem, calc(100vh - 18rem))', layout: 'fitData',
    columnDefaults: {headerSortTristate: true, resizable: false}, printAsHtml: true, printStyled: false,
    columns: [{title: 'Model', field: 'name', frozen: true, minWidth: 150,
      formatter: cell => linked(cell.getData(), cell.getValue())},
    numbers('GMAC', 'macs', 1e9), ...counters.map(figures), numbers('M parameters', 'params', 1e6),
    {title: 'Input', field: 'input'}, {title: 'Suite', field: 'suite'}],
  });
  const seen = () => exported(told, table.getData('active'));
  const showLatex = () => panel.replaceChildren(Object.assign(codeBlock('LaTeX', latex(seen())), {open: true}));
  function apply() {
    const names = filter.value.split(',').map(squashed).filter(Boolean);
    table.setFilter(row => [row.section, ''].includes(preset.value) && [row.family, ''].includes(family.value)
      && (names.length > 1 ? names.includes(squashed(row.name)) : squashed(row.name).includes(names.join())));
    table.redraw(true);
    const set = controls.map(([name, {value}]) => [name, value]).filter(([, value]) => value && value !== 'ratio');
    history.replaceState(null, '', `#${new URLSearchParams(set)}`);
    count.textContent = `${table.getDataCount('active')} of ${rows.length} models`;
    if (names.length > 1) panel.hidden = false;
    if (!panel.hidden) showLatex();
  }
  document.getElementById('latex')?.addEventListener('click', () => { panel.hidden = !panel.hidden; showLatex(); });
  document.getElementById('csv')?.addEventListener('click', () =>
    table.download((_, __, save) => save(csv(seen()), 'text/csv'), 'flop-counters.csv'));
  for (const [, control] of controls) control.addEventListener('input', apply);
  table.on('tableBuilt', () => {
    document.querySelector('.tabulator-tableholder')?.setAttribute('role', 'rowgroup');
    document.querySelector('.tabulator-table')?.setAttribute('role', 'presentation');
    apply();
  });
});
