// The libraries are scripts of their own, without types here.
declare const d3: any;
declare const Plot: any;
declare const Tabulator: any;
declare const MiniSearch: any;
