// @ts-check
// All models and counters: what is shown stands in the address, and is what is exported.

/** @typedef {[Amount, string, number | null] | string | null} Figure */
const named = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));
const [filter, preset, family, figure, panel] = ['filter', 'preset', 'family', 'figures', 'export'].map(named);
const LEAD = 8;

load('table').then(told => {
  const {counters, presets, rows} = told;
  preset.append(...presets.map((/** @type {string[]} */ [name, section]) => make('option', {value: section}, name)));
  const families = [...new Set(rows.map((/** @type {any[]} */ row) => row[3]))].filter(Boolean).sort();
  family.append(make('option', {value: ''}, 'Every family'), ...families.map(id => make('option', {value: id}, String(id).replaceAll('-', ' '))));
  const state = new URLSearchParams(location.hash.slice(1));
  const models = () => filter.value.split(',').map(squashed).filter(Boolean);
  filter.value = state.get('models') || '';
  [[preset, 'kind'], [family, 'family'], [figure, 'figures']].forEach(([control, name]) => { control.value = state.get(name) || control.value; });

  const shown = (/** @type {Figure} */ said) => {
    if (!Array.isArray(said)) return said || '';
    const [value, unit, share] = said;
    if (figure.value === 'exact') return grouped(value);
    if (figure.value === 'gmac') return (Number(value) / (unit === 'FLOP' ? 2e9 : 1e9)).toPrecision(4);
    return share === null ? '' : share === 0 ? '1' : share === -1 ? '0' : Math.abs(share) < 5e-5 ? '≈1' : (1 + share).toPrecision(Math.abs(share) < 0.01 ? 5 : 3);
  };
  const size = (/** @type {Figure} */ said) => Array.isArray(said) ? (figure.value === 'ratio' ? said[2] ?? -2 : Number(said[0]) / (said[1] === 'FLOP' ? 2 : 1)) : -3;
  const tone = (/** @type {Figure} */ said) => {
    if (!Array.isArray(said)) return said === 'refused' || said === 'failed' ? said : said ? 'absent' : '';
    if (said[2] === null) return '';
    if (said[2] === 0) return 'same';
    if (said[2] === -1) return 'zero';
    const far = Math.abs(Math.log(1 + said[2]));
    return `${said[2] > 0 ? 'high' : 'low'} d${1 + [0.001, 0.01, 0.1, Math.log(2), Math.log(10)].filter(bound => far > bound).length}`;
  };
  const link = (/** @type {any} */ cell, hash = '') => make('a', {href: `model/${cell.getData().id}.html${hash}`}, String(cell.getValue() ?? ''));
  const data = rows.map((/** @type {any[]} */ row) => ({name: row[0], id: row[1], suite: row[2], family: row[3], section: row[4], input: row[5], macs: row[6], params: row[7],
    find: squashed(row[0]), ...Object.fromEntries(counters.map((/** @type {string} */ name, /** @type {number} */ place) => [`c${place}`, row[LEAD + place]]))}));
  const right = {hozAlign: 'right', headerHozAlign: 'right'};
  const number = (/** @type {number} */ scale) => ({...right, sorter: 'number', formatter: (/** @type {any} */ cell) => cell.getValue() === null ? '' : (cell.getValue() / scale).toPrecision(4)});
  const table = new Tabulator('#grid', {
    data, height: 'calc(100vh - 15rem)', layout: 'fitData', columnDefaults: {headerSortTristate: true, resizable: false},
    columns: [
      {title: 'Model', field: 'name', frozen: true, minWidth: 150, formatter: (/** @type {any} */ cell) => link(cell)},
      {title: 'Input', field: 'input', formatter: (/** @type {any} */ cell) => String(cell.getValue()).replaceAll('x', '×')},
      {title: 'M parameters', field: 'params', ...number(1e6)}, {title: 'GMAC, reference', field: 'macs', ...number(1e9)},
      ...counters.map((/** @type {string} */ name, /** @type {number} */ place) => ({
        title: name, field: `c${place}`, ...right, sorter: (/** @type {Figure} */ a, /** @type {Figure} */ b) => size(a) - size(b),
        formatter: (/** @type {any} */ cell) => {
          cell.getElement().classList.add(...tone(cell.getValue()).split(' ').filter(Boolean));
          return make('a', {href: `model/${cell.getData().id}.html#${name}`, title: Array.isArray(cell.getValue()) ? `${grouped(cell.getValue()[0])} ${cell.getValue()[1]}` : false}, shown(cell.getValue()));
        },
      })),
      {title: 'Suite', field: 'suite'},
    ],
  });

  function apply() {
    const wanted = models();
    const many = wanted.length > 1;
    table.setFilter((/** @type {any} */ row) => (!preset.value || row.section === preset.value) && (!family.value || row.family === family.value)
      && (!wanted.length || wanted.some(name => many ? row.find === name : row.find.includes(name))));
    table.redraw(true);
    const kept = Object.entries({models: filter.value, kind: preset.value, family: family.value, figures: figure.value === 'ratio' ? '' : figure.value});
    history.replaceState(null, '', `#${new URLSearchParams(kept.filter(([, value]) => value))}`);
    named('count').textContent = `${table.getDataCount('active')} of ${data.length} models`;
    if (!panel.hidden) latex();
  }
  // ------------------------------------------------------------------------------------ export
  const seen = () => table.getData('active');
  const used = () => counters.map((/** @type {string} */ name, /** @type {number} */ place) => ({name, field: `c${place}`})).filter((/** @type {any} */ each) => seen().some((/** @type {any} */ row) => Array.isArray(row[each.field])));
  const what = () => figure.value === 'ratio' ? 'ratio to the reference' : figure.value === 'gmac' ? 'GMAC' : 'figures as reported';
  const caption = () => `Compute of ${seen().length} models by ${used().length} counters, ${what()}. Reference: ${told.convention}. `
    + `Suites: ${told.suites.map((/** @type {any[]} */ [name, version, torch]) => `${name} ${version} (torch ${torch})`).join(', ')}. `
    + `Versions: ${used().map((/** @type {any} */ each) => `${each.name} ${told.versions[each.name]}`).join(', ')}.`;
  const cells = (/** @type {any} */ row) => [row.name, row.input, row.params, row.macs, ...used().map((/** @type {any} */ each) => shown(row[each.field]).replaceAll(',', ''))];
  const heads = () => ['model', 'input', 'parameters', 'reference MAC', ...used().map((/** @type {any} */ each) => each.name)];
  const quoted = (/** @type {any} */ value) => /[",\n#]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value ?? '');
  const csv = () => [[`# ${caption()}`], heads(), ...seen().map(cells)].map(row => row.map(quoted).join(',')).join('\n');
  const tex = (/** @type {any} */ text) => String(text ?? '').replace(/[\\&%$#_{}~^]/g, sign => sign === '\\' ? '\\textbackslash{}' : `\\${sign}`).replaceAll('×', '$\\times$').replaceAll('≈', '$\\approx$');
  function latex() {
    const body = seen().slice(0, 200).map((/** @type {any} */ row) => `${cells(row).map(tex).join(' & ')} \\\\`).join('\n');
    const text = `\\begin{table}\n\\caption{${tex(caption())}}\n\\begin{tabular}{ll${'r'.repeat(heads().length - 2)}}\n\\toprule\n${heads().map(tex).join(' & ')} \\\\\n\\midrule\n${body}\n\\bottomrule\n\\end{tabular}\n\\end{table}`;
    panel.replaceChildren(codeBlock(text));
    panel.hidden = false;
  }
  named('latex').addEventListener('click', () => panel.hidden ? latex() : panel.hidden = true);
  named('csv').addEventListener('click', () => {
    const link = make('a', {href: URL.createObjectURL(new Blob([csv()], {type: 'text/csv'})), download: 'flop-counters.csv'});
    link.click();
  });
  filter.addEventListener('input', apply);
  [preset, family, figure].forEach(control => control.addEventListener('change', apply));
  table.on('tableBuilt', () => {
    named('grid').querySelector('.tabulator-tableholder').setAttribute('role', 'rowgroup');
    named('grid').querySelector('.tabulator-table').setAttribute('role', 'presentation');
    apply(); if (models().length > 1) latex();
  });
});
