// Grafana's dashboard JSON: the part of it that is rendered. Names are Grafana's own. What is not
// listed is kept as it came and written back on export.

export interface Threshold { color: string; value: number | null }
export interface Thresholds { mode: 'absolute' | 'percentage'; steps: Threshold[] }
export interface MappingResult { text?: string; color?: string; index?: number }
export type Mapping =
  | {type: 'value'; options: Record<string, MappingResult>}
  | {type: 'range'; options: {from: number | null; to: number | null; result: MappingResult}}
  | {type: 'regex'; options: {pattern: string; result: MappingResult}}
  | {type: 'special'; options: {match: string; result: MappingResult}};
export interface Link { title: string; url: string; targetBlank?: boolean }
export interface Color { mode: string; fixedColor?: string; seriesBy?: 'last' | 'min' | 'max' }

/** `custom` of a time series, a bar chart, a table. */
export interface CustomConfig {
  drawStyle?: 'line' | 'bars' | 'points';
  lineInterpolation?: 'linear' | 'smooth' | 'stepBefore' | 'stepAfter';
  lineWidth?: number;
  fillOpacity?: number;
  gradientMode?: string;
  showPoints?: 'auto' | 'never' | 'always';
  pointSize?: number;
  spanNulls?: boolean | number;
  lineStyle?: {fill?: string; dash?: number[]};
  stacking?: {mode?: 'none' | 'normal' | 'percent'; group?: string};
  axisPlacement?: 'auto' | 'left' | 'right' | 'hidden';
  axisLabel?: string;
  axisSoftMin?: number;
  axisSoftMax?: number;
  scaleDistribution?: {type?: 'linear' | 'log'; log?: number};
  thresholdsStyle?: {mode?: string};
  hideFrom?: {viz?: boolean; legend?: boolean; tooltip?: boolean};
  transform?: string;
  fillBelowTo?: string;
  align?: string;
  width?: number;
  displayMode?: string;
  cellOptions?: {type?: string; mode?: string};
  hidden?: boolean;
}
export interface FieldConfig {
  unit?: string;
  decimals?: number;
  min?: number;
  max?: number;
  displayName?: string;
  noValue?: string;
  color?: Color;
  thresholds?: Thresholds;
  mappings?: Mapping[];
  links?: Link[];
  custom?: CustomConfig;
}
export interface Override {
  matcher: {id: string; options?: unknown};
  properties: {id: string; value?: unknown}[];
}

export interface Target {
  refId?: string;
  expr?: string;
  legendFormat?: string;
  interval?: string;
  intervalFactor?: number;
  step?: number;
  instant?: boolean;
  range?: boolean;
  exemplar?: boolean;
  format?: string;
  hide?: boolean;
  datasource?: unknown;
}
export interface Transformation { id: string; options?: Record<string, unknown>; disabled?: boolean }
export interface GridPos { x: number; y: number; w: number; h: number }
export interface ReduceOptions { calcs?: string[]; values?: boolean; fields?: string; limit?: number }
export interface LegendOptions { showLegend?: boolean; displayMode?: 'list' | 'table' | 'hidden'; placement?: 'bottom' | 'right'; calcs?: string[]; sortBy?: string; sortDesc?: boolean }

/** Options of every kind of panel; each reads its own. */
export interface PanelOptions {
  legend?: LegendOptions;
  tooltip?: {mode?: 'single' | 'multi' | 'none'; sort?: 'none' | 'asc' | 'desc'};
  reduceOptions?: ReduceOptions;
  orientation?: 'auto' | 'horizontal' | 'vertical';
  textMode?: 'auto' | 'value' | 'value_and_name' | 'name' | 'none';
  colorMode?: 'none' | 'value' | 'background' | 'background_solid';
  graphMode?: 'none' | 'area' | 'line';
  justifyMode?: 'auto' | 'center';
  displayMode?: string;
  content?: string;
  mode?: string;
  pieType?: string;
  displayLabels?: string[];
  showHeader?: boolean;
  sortBy?: {displayName: string; desc?: boolean}[];
  footer?: {show?: boolean; reducer?: string[]; fields?: string | string[]};
  calculate?: boolean;
  color?: {scheme?: string; reverse?: boolean; steps?: number};
  yAxis?: {unit?: string; decimals?: number};
  xField?: string;
  showValue?: string;
  mergeValues?: boolean;
  stacking?: string;
  showThresholdLabels?: boolean;
  showUnfilled?: boolean;
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: GridPos;
  targets: Target[];
  options: PanelOptions;
  fieldConfig: {defaults: FieldConfig; overrides: Override[]};
  transformations: Transformation[];
  interval?: string;
  maxDataPoints?: number;
  timeFrom?: string;
  timeShift?: string;
  transparent?: boolean;
  repeat?: string;
  repeatDirection?: 'h' | 'v';
  maxPerRow?: number;
  links?: Link[];
  datasource?: unknown;
  // rows
  collapsed?: boolean;
  panels?: Panel[];
  /** What this panel's variables are instead of the dashboard's: of a repeated panel. */
  scope?: Record<string, VariableValue>;
}

export interface VariableOption { text: string; value: string }
export interface VariableValue { text: string | string[]; value: string | string[] }
export interface Variable {
  name: string;
  type: string;
  label?: string;
  query?: unknown;
  definition?: string;
  regex?: string;
  sort?: number;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  hide?: number;
  auto?: boolean;
  auto_count?: number;
  auto_min?: string;
  options?: VariableOption[];
  current?: Partial<VariableValue>;
}

export interface DashboardLink { title?: string; type?: string; url?: string; tags?: string[]; asDropdown?: boolean; targetBlank?: boolean; keepTime?: boolean; includeVars?: boolean }
export interface AnnotationQuery { name: string; enable: boolean; expr?: string; iconColor?: string; titleFormat?: string; textFormat?: string; tagKeys?: string; step?: string; useValueForTime?: boolean }

export interface Dashboard {
  uid: string;
  title: string;
  description: string;
  tags: string[];
  panels: Panel[];
  variables: Variable[];
  annotations: AnnotationQuery[];
  links: DashboardLink[];
  time: {from: string; to: string};
  refresh: string;
  timezone: string;
  version: number;
  /** What could not be understood, for the reader. */
  notes: string[];
  /** The JSON that it was read from. */
  source: Record<string, unknown>;
}
