import type { OutputLine } from './output.ts';

/** What can be told of a build while it goes on. */
export type BuildProgress =
  | { readonly did: 'started'; readonly text: string }
  | { readonly did: 'printed'; readonly text: string }
  | { readonly did: 'ended'; readonly text: string };

const STARTED = 'build started: ';
const ENDED = /^build (finished|failed) after /;

/** The line that a runtime puts before the output of a build. @param work like `installing the dependencies` */
export const buildStarted = (work: string): OutputLine => ({ stream: 'peer', text: `${STARTED}${work}` });

/** The line that it puts behind. @param ms how long the build took */
export const buildEnded = (how: 'finished' | 'failed', ms: number): OutputLine => ({
  stream: 'peer',
  text: `build ${how} after ${(ms / 1000).toFixed(1)} s`,
});

/** Undefined for a line that is of no build. */
export function buildProgressOf({ stream, text }: OutputLine): BuildProgress | undefined {
  if (stream === 'build') return { did: 'printed', text };
  if (stream !== 'peer') return undefined;
  if (text.startsWith(STARTED)) return { did: 'started', text: text.slice(STARTED.length) };
  return ENDED.test(text) ? { did: 'ended', text } : undefined;
}
