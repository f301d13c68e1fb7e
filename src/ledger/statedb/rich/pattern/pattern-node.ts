/** Which of the 256 bytes belong to a set: 1 at their places. */
export type ByteSet = Uint8Array;

export type RepeatMode = 'greedy' | 'lazy' | 'possessive';

/** What a regular expression is made of. */
export type PatternNode =
  | { readonly kind: 'bytes'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `number` is undefined for a group that captures nothing. */
  | { readonly kind: 'group'; readonly number: number | undefined; readonly body: PatternNode }
  | { readonly kind: 'repeat'; readonly body: PatternNode; readonly min: number; readonly max: number; readonly mode: RepeatMode }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'look'; readonly behind: boolean; readonly negative: boolean; readonly body: PatternNode }
  | { readonly kind: 'atomic'; readonly body: PatternNode }
  | { readonly kind: 'reference'; readonly numbers: readonly number[]; readonly ignoreCase: boolean }
  | { readonly kind: 'call'; readonly number: number }
  | { readonly kind: 'condition'; readonly test: readonly number[] | PatternNode; readonly yes: PatternNode; readonly no: PatternNode }
  /** Goes back: the beginning of a look behind. */
  | { readonly kind: 'back'; readonly bytes: number };

/** Places in a text. */
export type Assertion = 'start' | 'line start' | 'end' | 'line end' | 'end or last newline' | 'word boundary' | 'no word boundary';

export const NOTHING: PatternNode = { kind: 'sequence', parts: [] };
