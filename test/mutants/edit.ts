/** An edit of the source's text; it must fit its file exactly once. */
export interface Edit {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
