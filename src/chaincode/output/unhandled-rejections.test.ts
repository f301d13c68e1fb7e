import { describe, expect, it } from 'vitest';
import { type UnhandledRejection, UnhandledRejections } from './unhandled-rejections.ts';

const SHIM = '/builds/8da5/node_modules/fabric-shim/lib/handler.js';

function read(...lines: readonly string[]): readonly UnhandledRejection[] {
  const found: UnhandledRejection[] = [];
  const reader = new UnhandledRejections((rejection) => found.push(rejection));
  for (const line of lines) reader.line(line);
  return found;
}

const report = (reason: string, ...frames: readonly string[]): readonly string[] => [
  `2026-01-01T00:00:00.000Z \u001b[31merror\u001b[39m [c-api:_]      Unhandled Rejection reason ${reason} promise Promise {`,
  `  <rejected> ${reason}`,
  ...frames.map((frame) => `      at ${frame}`),
  '}  ',
];

describe('a rejection that nobody handled', () => {
  it.each([
    ['thrown by the function that the shim calls', ['Throws.Invoke (/cc/index.js:8:1)', `handleMessage (${SHIM}:673:47)`]],
    [
      'thrown after it had waited',
      ['load (/cc/index.js:3:1)', 'async Throws.Invoke (/cc/index.js:8:1)', `async handleMessage (${SHIM}:1:2)`],
    ],
  ])('%s leaves its transaction without an answer', (_, frames) => {
    expect(read(...report('Error: business rule broken', ...frames))).toEqual([{ reason: 'business rule broken', lost: 'answer' }]);
  });

  it.each([
    [
      'of a function that may not be waited for',
      ['audit (/cc/index.js:3:1)', 'Throws.Invoke (/cc/index.js:8:1)', `handleMessage (${SHIM}:1:2)`],
    ],
    ['of a timer', ['Timeout._onTimeout (/cc/index.js:3:1)']],
    ['of a request to the peer', [`parseResponse (${SHIM}:825:15)`, `MsgQueueHandler.handleMsgResponse (${SHIM}:1:2)`]],
  ])('%s says nothing of a transaction', (_, frames) => {
    expect(read(...report('TypeError: x is not a function', ...frames))).toEqual([
      { reason: 'TypeError: x is not a function', lost: 'unknown' },
    ]);
  });

  it('may be no error, on one line, and come from an older shim', () => {
    const one = "error [c-api:_]  Unhandled Rejection reason a string promise Promise { <rejected> 'a string' }  ";
    const older = 'ERROR Unhandled Rejection reason Error: old promise [object Promise]';
    expect(read('before', one, 'between', older, 'after').map(({ reason }) => reason)).toEqual(['a string', 'old']);
  });

  it('has a reason of several lines', () => {
    const lines = ['Unhandled Rejection reason Error: first', 'second promise Promise {', '  <rejected> Error: first', '  second', '}'];
    expect(read(...lines)).toEqual([{ reason: 'first second', lost: 'unknown' }]);
  });

  it('that is never closed is told all the same, and what follows is read', () => {
    const found = read('Unhandled Rejection reason Error: open', ...Array.from({ length: 100 }, () => 'x'), ...report('Error: next'));
    expect(found.map(({ reason }) => reason)).toEqual(['open', 'next']);
  });
});
