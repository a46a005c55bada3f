/** The page of a code, as plain data. */

export interface CodePage {
  code: string;
  kind: 'job' | 'api' | 'lint';
  /** HTTP statuses of an error of the API. */
  status?: string;
  blocks: Block[];
}

export type Block =
  { kind: 'heading' | 'paragraph'; inline: Inline[] } | { kind: 'list'; items: Inline[][] } | { kind: 'code'; text: string };

export type Inline = { text: string } | { strong: string } | { code: string };
