import { bytesThat, otherCase, single } from './byte-sets.ts';
import { GroupNumbers } from './group-numbers.ts';
import { NO_FLAGS } from './pattern-flags.ts';
import type { PatternNode } from './pattern-node.ts';
import { PatternText } from './pattern-text.ts';

/** What the parts of a regular expression share while it is read. */
export class ParseState {
  readonly text: PatternText;
  readonly groups: GroupNumbers;
  /** What holds at this place. */
  flags = NO_FLAGS;

  constructor(pattern: string) {
    this.text = new PatternText(pattern);
    this.groups = new GroupNumbers(pattern);
  }

  /** One byte, in both cases where case does not count here. */
  byte(byte: number): PatternNode {
    const other = this.flags.ignoreCase ? otherCase(byte) : byte;
    return { kind: 'bytes', set: other === byte ? single(byte) : bytesThat((one) => one === byte || one === other) };
  }

  /** Skips white space and comments where they do not count here. */
  skipExtended(): void {
    if (!this.flags.extended) return;
    for (;;) {
      const mark = this.text.peek();
      if (mark === '#') this.text.upTo('\n');
      else if (mark !== undefined && /[\t-\r ]/.test(mark)) this.text.skip(1);
      else return;
    }
  }
}
