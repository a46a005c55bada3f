/** What can go wrong between the page and the server, as data: each error knows what a person has to know. */

export interface ErrorBody {
  message: string;
  code: string;
  request_id?: string;
  errors?: Record<string, string[]>;
  position?: { line: number; column: number };
  diagnostics?: unknown[];
}

/** The server answered, and refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly body: ErrorBody,
    /** Seconds, from `Retry-After`. */
    readonly retryAfter: number | null = null,
  ) {
    super(body.message);
  }

  get code(): string {
    return this.body.code;
  }

  /** The first text about a field, by its path. */
  field(path: string): string | undefined {
    return this.body.errors?.[path]?.[0];
  }

  /** All texts about fields that are not among these paths: nothing that the server said stays unsaid. */
  textsBeside(paths: string[]): string[] {
    return Object.entries(this.body.errors ?? {})
      .filter(([path]) => !paths.includes(path))
      .flatMap(([, texts]) => texts);
  }
}

/** Nobody answered. */
export class Away extends Error {
  override readonly name = 'Away';
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
