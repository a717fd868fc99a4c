// All models and counters: what is shown stands in the address, and is what is exported.

/** @typedef {[Amount, string, number | null, string] | string | null} Cell a value, its unit, its deviation, its tone; or why there is none */
const [filter, preset, family, unit, panel, count, grid] = /** @type {any[]} */ (['filter', 'preset', 'family', 'figures', 'export', 'count', 'grid'].map(id => document.getElementById(id)));
const controls = Object.entries({models: filter, kind: preset, family, figures: unit}), MOST = 200;

load('table').then(told => {
  const {counters, presets, rows} = told;
  const option = (/** @type {string} */ name, value = name) => make('option', {value}, name.replaceAll('-', ' '));
  const field = (/** @type {number} */ place) => `c${place}`;
  const data = rows.map((/** @type {any[]} */ [name, id, suite, family, section, input, macs, params, ...said]) => (
    {name, id, suite, family, section, input, macs, params, find: squashed(name), ...Object.fromEntries(said.map((each, place) => [field(place), each]))}));
  const sections = new Set(['', ...data.map((/** @type {any} */ row) => row.section)]);
  preset.append(...presets.filter((/** @type {string[]} */ [, section]) => sections.has(section)).map((/** @type {string[]} */ [name, section]) => option(name, section)));
  family.append(option('Every family', ''), ...[...new Set(data.map((/** @type {any} */ row) => row.family))].filter(Boolean).sort().map(id => option(String(id))));
  const state = new URLSearchParams(location.hash.slice(1));
  for (const [name, control] of controls) control.value = state.get(name) || control.value;

  const shown = (/** @type {Cell} */ said) => {
    if (!Array.isArray(said)) return said || '';
    const [value, base, share] = said;
    if (unit.value === 'exact') return grouped(value);
    if (unit.value === 'gmac') return (Number(value) / (base === 'FLOP' ? 2e9 : 1e9)).toPrecision(4);
    return share === null ? '' : share === 0 ? '1' : share === -1 ? '0' : Math.abs(share) < 5e-4 ? '≈1' : (1 + share).toFixed(3);
  };
  const size = (/** @type {Cell} */ said) => !Array.isArray(said) ? -3 : unit.value === 'ratio' ? said[2] ?? -2 : Number(said[0]) / (said[1] === 'FLOP' ? 2 : 1);
  const right = {hozAlign: 'right', headerHozAlign: 'right'};
  const number = (/** @type {number} */ scale) => ({...right, sorter: 'number', formatter: (/** @type {any} */ cell) => cell.getValue() === null ? '' : (cell.getValue() / scale).toPrecision(4)});
  const figure = (/** @type {any} */ cell, /** @type {string} */ name) => {
    const said = /** @type {Cell} */ (cell.getValue());
    const tone = Array.isArray(said) ? said[3] : ['refused', 'failed'].find(word => word === said) || (said ? 'absent' : '');
    cell.getElement().classList.add(...tone.split(' ').filter(Boolean));
    return make('a', {href: `model/${cell.getData().id}.html#${name}`, title: Array.isArray(said) && `${grouped(said[0])} ${said[1]}`}, shown(said));
  };
  const table = new Tabulator('#grid', {
    data, height: 'max(20rem, calc(100vh - 15rem))', layout: 'fitData', columnDefaults: {headerSortTristate: true, resizable: false},
    columns: [
      {title: 'Model', field: 'name', frozen: true, minWidth: 150, formatter: (/** @type {any} */ cell) => make('a', {href: `model/${cell.getData().id}.html`}, cell.getValue())},
      {title: 'GMAC', field: 'macs', ...number(1e9)},
      ...counters.map((/** @type {string} */ title, /** @type {number} */ place) => ({title, field: field(place), ...right,
        sorter: (/** @type {Cell} */ a, /** @type {Cell} */ b) => size(a) - size(b), formatter: (/** @type {any} */ cell) => figure(cell, title)})),
      {title: 'M parameters', field: 'params', ...number(1e6)},
      {title: 'Input', field: 'input', formatter: (/** @type {any} */ cell) => String(cell.getValue()).replaceAll('x', '×')},
      {title: 'Suite', field: 'suite'},
    ],
  });

  function apply() {
    const wanted = filter.value.split(',').map(squashed).filter(Boolean);
    const isWanted = (/** @type {string} */ name) => !wanted.length || wanted.some((/** @type {string} */ part) => wanted.length > 1 ? name === part : name.includes(part));
    table.setFilter((/** @type {any} */ row) => (!preset.value || row.section === preset.value) && (!family.value || row.family === family.value) && isWanted(row.find));
    table.redraw(true);
    history.replaceState(null, '', `#${new URLSearchParams(controls.map(([name, {value}]) => [name, value]).filter(([, value]) => value && value !== 'ratio'))}`);
    count.textContent = `${table.getDataCount('active')} of ${data.length} models`;
    if (!panel.hidden || wanted.length > 1) showLatex();
  }
  function exported() {
    const seen = table.getData('active');
    const used = counters.map((/** @type {string} */ name, /** @type {number} */ place) => ({name, field: field(place)})).filter((/** @type {any} */ each) => seen.some((/** @type {any} */ row) => Array.isArray(row[each.field])));
    const caption = `Compute of ${seen.length} models by ${used.length} counters, ${{ratio: 'ratio to the reference', gmac: 'GMAC', exact: 'figures as reported'}[unit.value]}. Reference: ${told.convention}. `
      + `Suites: ${told.suites.map((/** @type {any[]} */ [name, version, torch]) => `${name} ${version} (torch ${torch})`).join(', ')}. `
      + `Versions: ${used.map((/** @type {any} */ each) => `${each.name} ${told.versions[each.name]}`).join(', ')}.`;
    const cells = (/** @type {any} */ row) => [row.name, row.input, row.params, row.macs, ...used.map((/** @type {any} */ each) => shown(row[each.field]).replaceAll(',', ''))];
    return {caption, lines: [['model', 'input', 'parameters', 'reference MAC', ...used.map((/** @type {any} */ each) => each.name)], ...seen.map(cells)]};
  }
  const tex = (/** @type {any} */ text) => String(text ?? '').replace(/[\\&%$#_{}~^]/g, sign => sign === '\\' ? '\\textbackslash{}' : `\\${sign}`).replaceAll('×', '$\\times$').replaceAll('≈', '$\\approx$');
  function showLatex() {
    const {caption, lines} = exported();
    const [heads, ...body] = lines.slice(0, MOST + 1).map(line => `${line.map(tex).join(' & ')} \\\\`);
    panel.replaceChildren(codeBlock(`\\begin{table}\n\\caption{${tex(caption)}}\n\\begin{tabular}{ll${'r'.repeat(lines[0].length - 2)}}\n\\toprule\n${heads}\n\\midrule\n${body.join('\n')}\n\\bottomrule\n\\end{tabular}\n\\end{table}`));
    panel.hidden = false;
  }
  document.getElementById('latex')?.addEventListener('click', () => { if (panel.hidden) showLatex(); else panel.hidden = true; });
  document.getElementById('csv')?.addEventListener('click', () => {
    const {caption, lines} = exported();
    const quoted = (/** @type {any} */ value) => /[",\n#]/.test(value ?? '') ? `"${String(value).replaceAll('"', '""')}"` : value;
    const text = [`# ${caption}`, ...lines.map(line => line.map(quoted).join(','))].join('\n');
    make('a', {href: URL.createObjectURL(new Blob([text], {type: 'text/csv'})), download: 'flop-counters.csv'}).click();
  });
  filter.addEventListener('input', apply);
  for (const control of [preset, family, unit]) control.addEventListener('change', apply);
  table.on('tableBuilt', () => {
    grid.querySelector('.tabulator-tableholder').setAttribute('role', 'rowgroup');
    grid.querySelector('.tabulator-table').setAttribute('role', 'presentation');
    apply();
  });
});
