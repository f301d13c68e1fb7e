import { describe, expect, it } from 'vitest';
import { linesOf } from './explain-query.ts';

const scan = { selector: '{}', index: '_all_docs', candidates: [], results: 0, scannedAll: true };

describe('the explanation of a query', () => {
  it('doubts the names where there is nothing to look at', () => {
    const doubt = '           there is no JSON document: look whether -n and -C name the right ones';
    expect([...linesOf({ ...scan, documentsExamined: 0 })]).toContain(doubt);
    expect([...linesOf({ ...scan, documentsExamined: 4 })]).not.toContain(doubt);
    expect([...linesOf({ ...scan, documentsExamined: 0, scannedAll: false })]).not.toContain(doubt);
  });
});
