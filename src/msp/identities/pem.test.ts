import assert from 'node:assert/strict';
import { describe, it } from 'vitest';
import { derOfPem, firstPemBlock, toPem } from './pem.ts';

describe('PEM', () => {
  const der = new Uint8Array(100).map((_, at) => at);
  const pem = toPem('CERTIFICATE', der);

  it('is written in 64 columns with line feeds, like Go does', () => {
    const base64 = Buffer.from(der).toString('base64');
    assert.equal(
      pem,
      `-----BEGIN CERTIFICATE-----\n${base64.slice(0, 64)}\n${base64.slice(64, 128)}\n${base64.slice(128)}\n-----END CERTIFICATE-----\n`,
    );
    assert.equal(toPem('X', new Uint8Array(48)), `-----BEGIN X-----\n${'A'.repeat(64)}\n-----END X-----\n`);
  });

  it('is read whatever stands around it, and however its lines end', () => {
    for (const text of [
      pem,
      `# a comment\n${pem}${pem}`,
      pem.replaceAll('\n', '\r\n'),
      pem.trimEnd(),
      pem.replace('\n', '\nProc-Type: 4\n\n'),
    ]) {
      assert.deepEqual(derOfPem(text), der);
      assert.deepEqual(derOfPem(new TextEncoder().encode(text)), der);
    }
    assert.equal(firstPemBlock(pem)?.label, 'CERTIFICATE');
  });

  it('is looked for again after a beginning without an end, but not for ever', () => {
    assert.deepEqual(derOfPem(`-----BEGIN NOTHING-----\n${pem}`), der);
    assert.equal(firstPemBlock('-----BEGIN A-----\n'.repeat(200_000)), undefined);
  });

  it('is nothing when a line is missing or the base64 is broken', () => {
    for (const text of ['', 'text', pem.replace('END', 'EN'), pem.replace('AAEC', 'AA!C'), pem.replace('AAEC', 'AAE')]) {
      assert.equal(firstPemBlock(text), undefined);
    }
    assert.throws(() => derOfPem('text'), { code: 'MALFORMED', message: 'could not decode the PEM structure' });
  });
});
