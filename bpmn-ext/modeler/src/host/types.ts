// What the plug-in needs from the page around it. It knows no API: whoever embeds it provides these functions.

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Where a value goes, as in ProcessMaker's configuration. */
export type InputKind = 'PARAM' | 'HEADER' | 'BODY';

/** A value that a resource takes. */
export interface Key {
  kind: InputKind;
  name: string;
  /** Whether the resource declares it as required, or its URL cannot be made without it. */
  isRequired: boolean;
  /** What is sent without a row; empty for none. */
  default: string;
}

/** One call that a connector can make. */
export interface Resource {
  name: string;
  /** In upper case. */
  method: string;
  url: string;
  description: string;
  keys: Key[];
  /** Whether a parameter that is not among `keys` is sent as well. */
  takesAnyParameter: boolean;
  /** Error codes that the resource or its connector maps failures onto. */
  errorCodes: string[];
  /** Sample data and answer that were saved with the resource. */
  example?: { data?: Json; answer?: Answer };
}

/** A connector, as far as a model can refer to it. */
export interface Connector {
  id?: number | string;
  uuid?: string;
  name: string;
  /** The page where it is edited; without it there is no link "Edit connector". */
  href?: string;
  resources: Resource[];
}

/** One finding of the linter, as `data-connector lint --format json` writes it. */
export interface Diagnostic {
  code: string;
  severity: 'error' | 'warning';
  message: string;
  help?: string | null;
  /** The id of the element; null for the file's own. */
  element: string | null;
  /** What is wrong in it, such as `connector`, `inputs.base`, `outputs.0.source`; null for the element itself. */
  path?: string | null;
  /** The right thing, where it is known. A null value removes. */
  fix?: Fix | null;
}

/** A change that makes a finding go away. */
export interface Fix {
  title: string;
  edits: { path: string; value: string | null }[];
}

/** Which call to make, and with which rows; the body of `POST /try`. */
export interface Attempt {
  /** Name, uuid or id, as the model has it. */
  connector: string;
  resource: string;
  /** ProcessMaker's shape of rows, whatever the spelling of the element. */
  config: { [name: string]: Json };
  data: Json;
  /** Renders the request and sends nothing. */
  dry_run?: boolean;
}

/** An answer of a third party. */
export interface Answer {
  status: number;
  headers: [string, string][];
  /** As decoded, never parsed, so that numbers keep their digits; null for binary content. */
  body: string | null;
}

/** What came of an attempt; the answer of `POST /try`. */
export interface Outcome {
  request: { method: string; url: string; headers: [string, string][]; body: string | null; curl: string } | null;
  response:
    | (Answer & {
        /** Of the whole body. */
        bytes: number;
        /** Whether `body` is only the beginning. */
        truncated: boolean;
        kind: 'json' | 'xml' | 'text' | 'binary';
      })
    | null;
  /** Milliseconds of the last hop; null for what did not happen. */
  timing: { [span in TimingSpan]?: number | null } | null;
  mapped: { [variable: string]: Json } | null;
  warnings: string[];
  /** Top-level variables that the call reads. */
  reads: string[];
  error: Failure | null;
}

/** The spans of a call, in their order. */
export type TimingSpan = 'name_ms' | 'connect_ms' | 'tls_ms' | 'token_ms' | 'first_byte_ms' | 'total_ms';

/** Why a job would fail. */
export interface Failure {
  code: string;
  message: string;
  /** The member that is wrong, such as `config.outboundConfig.0.value`; null when there is none. */
  at?: string | null;
}

/** What rows make of an answer. */
export interface Mapped {
  variables: { [variable: string]: Json };
  error: Failure | null;
}

/** The page around the plug-in. Rejections are shown where they happened, with their `message`. */
export interface Host {
  /** All connectors that a model here can name. */
  connectors(): Promise<Connector[]>;
  /** The findings about a model. `data`: what a request begins with, whose names count as set. */
  lint(xml: string, data: Json): Promise<Diagnostic[]>;
  /** Makes a call, or renders it. What comes of planning or calling is an outcome; a rejection is a defect or a refusal. */
  attempt(request: Attempt, signal?: AbortSignal): Promise<Outcome>;
  /** Maps an answer that is there already, without a call. */
  map(answer: Answer, rows: Json[], request: Attempt): Promise<Mapped>;
  /** Names of queues that workers consume, for suggestions. */
  queues?(): Promise<string[]>;
  /** Keeps sample data and an answer with a resource; without it there is no button "Save as example". */
  saveExample?(connector: Connector, resource: Resource, example: { data: Json; answer: Answer | null }): Promise<void>;
  /** Deploys a model; without it there is no way to. */
  deploy?(xml: string): Promise<void>;
  /** The page about a code; without it codes are no links. */
  codeHref?(code: string): string;
  /** What to do next about a code of a failed call. */
  adviceFor?(code: string): string | undefined;
  /** Why calls cannot be made here, such as a token that may only read; shown at the disabled button. */
  refusal?: string;
}
