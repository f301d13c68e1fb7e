import type { BuildVerdict } from './platform.ts';

/** A pattern in the output of a tool, and what it means; the first that fits decides, so the more special come first. */
export interface Sign {
  readonly pattern: RegExp;
  /** `$1` becomes what the pattern caught, in whichever of its groups. */
  readonly cause: string;
  readonly advice: string;
}

export function verdictOf(output: readonly string[], signs: readonly Sign[], otherwise: BuildVerdict): BuildVerdict {
  const text = output.join('\n');
  for (const { pattern, cause, advice } of signs) {
    const found = pattern.exec(text);
    if (found === null) continue;
    const caught = found.slice(1).find((each) => each !== undefined) ?? '';
    return { cause: cause.replaceAll('$1', () => briefly(caught)).replace(/: $/, ''), advice };
  }
  return otherwise;
}

/** Longest piece of output inside a sentence. */
const MAX_CAUGHT = 160;

const briefly = (text: string): string => (text.length > MAX_CAUGHT ? `${text.slice(0, MAX_CAUGHT)}…` : text);
