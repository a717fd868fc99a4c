// The modules of a model by their work, as nested bars; a click on one makes it the whole.

const DEEPEST = 4, LEAST = 0.0015;

/** @type {(model: Model, answer: Answer) => Module} with what is counted, missed and extra in each */
function modulesOf(model, answer) {
  const paths = [model, ...answer.steps].flatMap(each => Object.keys(each.modules));
  const tree = d3.stratify().path(path => `/${path.replaceAll('.', '/')}`)([...new Set(['', ...paths])]);
  const known = new Map(tree.descendants().map(each => [each.id.slice(1).replaceAll('/', '.'), each]));
  for (const [path, it] of known) Object.assign(it, {path, reference: model.modules[path] || 0, missed: 0, extra: 0});
  for (const {macs, amount, modules} of answer.steps) {
    for (const [path, share] of Object.entries(modules)) {
      const moved = share * macs / Number(amount) || 0;
      for (const each of known.get(path)?.ancestors() || []) each[moved < 0 ? 'missed' : 'extra'] += Math.abs(moved);
    }
  }
  return tree.eachAfter(each => {
    const own = Math.max(each.reference, each.missed) + each.extra;
    each.value = Math.max(own, d3.sum(each.children || [], child => child.value));
  });
}

/** @type {(model: Model, answer: Answer) => Made} */
function icicle(model, answer) {
  const whole = modulesOf(model, answer);
  const drawn = make('div', {class: 'icicle', role: 'group', 'aria-label': 'Modules by their work'});
  const draw = (/** @type {Module} */ top) => {
    drawn.replaceChildren(nested(top));
    drawn.querySelector('button').focus({preventScroll: true});
  };
  /** @type {(each: Module, top?: Module) => Made} */
  const nested = (each, top = each) => {
    const {path, missed, extra} = each, counted = Math.max(each.reference - missed, 0);
    const [first, second] = [counted, counted + missed].map(end => `${100 * end / (counted + missed + extra || 1)}%`);
    const title = `${path || 'The whole model'}: ${grouped(counted)} MAC counted, ${grouped(missed)} missed, `
      + `${grouped(extra)} beyond the reference`;
    const bar = make('button', {type: 'button', title, style: `--first:${first};--second:${second}`},
      each === top && each.parent ? `‹ ${path}` : path.split('.').pop() || model.name);
    bar.onclick = () => draw(each === top ? each.parent || whole : each);
    const wide = each.depth < top.depth + DEEPEST ? each.children?.filter(({value}) => value > LEAST * top.value) : [];
    return make('div', {style: `width:${each === top ? 100 : 100 * each.value / (each.parent?.value || 1)}%`}, bar,
      make('div', {class: 'below'}, wide?.map(child => nested(child, top))));
  };
  drawn.append(nested(whole));
  return make('figure', {}, byId('shades')[0].content.cloneNode(true), drawn);
}
