// What the pages are made of: data as the site and the report write them, and what is used of libraries.

type Part = Node | string | number | null | undefined | Part[];
type Attributes = Record<string, string | number | boolean | null | undefined>;
type Made = any; // an element of the tag that was asked for

/** A whole number that a script would round is text. */
type Amount = number | string;
type Terms = Map<string, Amount>;

/** A prefix may stand for a power of two as well. */
type Unit = {base: string; scale: number; binary?: number};
type Units = {bases: Record<string, string>; prefixes: [string, number, number][]};
/** What may stand behind printed digits, and what of that has to be said. */
type Span = {how: string; low: number; high: number};
/** What is printed, and the ways in which it may have been, in its own prefix. */
type Figure = Unit & {value: number; ranges: Span[]};

type Step = {
  term: string; amount: Amount; macs: number; share: string; sentence: string; where: string; modules: Record<string, number>;
};
/** What a counter says of a model, and the terms that lead to it from the reference. */
type Answer = {
  id: string; counter: string; name: string; metric: string; unit: string; label: string; value: Amount | null;
  apart: string; read: string; reference: Amount | null; residual: Amount | null; steps: Step[]; code?: number[];
};
type Model = {
  name: string; macs: number | null; params: number | null; modules: Record<string, number>;
  answers: Answer[]; pieces: string[];
  /** The reference and our conventions. */
  ways: Way[];
};
/** A way of counting, with its figure of one model; without terms, nothing is known of how it comes about. */
type Way = {tool: string; name: string; id: string; value: Amount; unit: string; label: string; terms: [string, Amount][] | null};

/** What is asked of the page that converts: tools go by their ids, the usual one first. */
type Question = {
  text: string; figure: Figure | null; from: string[]; to: string[]; models: Item[]; words: string[]; odd: string[]; asked: string[];
};
/** A way of counting that gives a figure, and how that has to be read. */
type Fit = {way: Way; how: string};

/** What stands above the lines of a bridge; ticks above its bars. */
type Heads = [term: Part, amount: Part, share: Part, ticks: Made[]];
/** A line of a bridge as it is shown; its bar begins and is wide in per cent. */
type Line = {
  term: Part; notes?: Part[]; amount: string; share?: string; bar?: [number, number, string]; tone?: string | false;
};

type Item = {id: number; kind: string; title: string; link: string; words: string; note: string};
/** How people write; names of tools, squashed, with the ids that go by them, the usual one first. */
type Ways = Units & {conventions: string[]; tools: Record<string, string[]>; kinds: string[]; stop: string[]};
type Index = Omit<Ways, 'tools'> & {tools: Map<string, string[]>; search: MiniSearch; items: Item[]};
/** Value, unit, ratio to the reference, tone, the ratio in words. */
type Said = [Amount, string, number | null, string, string];
/** A figure, or why there is none. */
type Cell = Said | string | null;
type Export = {caption: string; lines: string[][]};
type Row = {
  name: string; id: string; suite: string; family: string; section: string; input: string;
  macs: number | null; params: number | null; said: Cell[];
};
/** Case, family, count, milliseconds. */
type Dot = [string, string, number, number];
type Count = {name: string; title: string; group: string; caption: string; points: Dot[]; line: [number, number][]; far: [wide: number[], narrow: number[]]};

type Shards = {
  search: {rows: string[][]} & Ways;
  figures: {
    models: [string, string][]; rows: [number, string, number, string, string][];
    claims: [number, string, number][];
  };
  table: {counters: string[]; brief: Record<string, string[]>; versions: string[]; made: string; suites: Record<string, string>; rows: Row[]};
  [model: `model/${string}`]: Model;
  [time: `time/${string}`]: {series: {series: string; counts: Count[]}[]};
};

/** A reading in the report of a suite; what is empty is left out. */
type Told = {
  id: string; counter: string; context: string; metric: string; case: string; figure: string; read: string;
  why?: string; loud?: boolean; message?: string; modules?: string;
  off?: string[][]; bridge?: ToldLine[]; scale?: [number, string][]; code?: number[];
};
type ToldLine = {
  term: string; amount: string; share?: string; sentence?: string; breakdown?: number; where?: string;
  loud?: boolean; bar?: [number, number, string];
};
type Section = {
  description: string; again: string; tables: [string, string[], string[][]][]; answers: Told[]; pieces: string[]; paths: string[]; breakdowns: Amount[][];
};
/** What gives a published figure: title, heads, rows, a note. */
type Evidence = [string, string[], string[][], string];

type Module = {
  id: string; path: string; reference: number; missed: number; extra: number; value: number; depth: number;
  parent: Module | null; children?: Module[]; ancestors(): Module[]; descendants(): Module[];
  eachAfter(act: (each: Module) => void): Module;
};
type Scale = {(value: number): number; ticks(count: number): number[]; nice(count: number): Scale};
declare const d3: {
  cumsum<T>(values: T[], of: (each: T) => number): Iterable<number>;
  extent(values: number[]): [number, number];
  sum<T>(values: T[], of: (each: T) => number): number;
  scaleLinear(domain: [number, number], range: [number, number]): Scale;
  stratify(): {path(of: (path: string) => string): (paths: string[]) => Module};
};
type Mark = object;
declare const Plot: {
  plot(options: object): SVGElement | HTMLElement;
  line(data: unknown[], options: object): Mark;
  dot(data: unknown[], options: object): Mark;
  text(data: unknown[], options: object): Mark;
  tip(data: Dot[], options: object): Mark;
  pointer(options: {x: string; y: string; fill: string; title: (dot: Dot) => string}): object;
};
type Hit = {id: number};
declare class MiniSearch {
  constructor(options: object);
  addAll(items: Item[]): void;
  search(query: string, options: {filter: (hit: Hit) => boolean; combineWith?: string; fuzzy?: (term: string) => number | false}): Hit[];
}
type GridCell = {getValue(): any; getData(): Row; getElement(): HTMLElement};
declare class Tabulator {
  constructor(place: string, options: {data: Row[]; columns: GridField[]; [option: string]: unknown});
  on(event: string, act: () => void): void;
  setFilter(keeps: (row: Row) => boolean): void;
  redraw(whole: boolean): void;
  setSort(field: string, way: string): void;
  showColumn(field: string): void;
  hideColumn(field: string): void;
  getData(rows: 'active'): Row[];
  getDataCount(rows: 'active'): number;
  download(format: (rows: unknown, options: unknown, save: (text: string, type: string) => void) => void, name: string): void;
}
type GridField = {
  title: string; field: string; formatter?: (cell: GridCell) => Part; sorter?: string | ((a: any, b: any) => number);
  [option: string]: unknown;
};
