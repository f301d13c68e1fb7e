import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { utf8 } from '../common/bytes.ts';
import { writeWhole } from './written-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selvage-written-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that a command writes', () => {
  it('is there, in place of what was there', () => {
    const file = join(folder, 'file');
    for (const text of ['first', 'second']) {
      writeWhole(file, utf8(text));
      expect(readFileSync(file, 'utf8')).toBe(text);
    }
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('may be behind a link, which stays', () => {
    writeFileSync(join(folder, 'file'), 'first');
    symlinkSync('file', join(folder, 'link'));
    writeWhole(join(folder, 'link'), utf8('second'));
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('second');
    expect(readdirSync(folder, { withFileTypes: true }).map((entry) => [entry.name, entry.isSymbolicLink()])).toEqual([
      ['file', false],
      ['link', true],
    ]);
  });

  it.skipIf(process.platform === 'win32')('may be no file: then it is written to and not replaced', () => {
    symlinkSync('/dev/null', join(folder, 'nothing'));
    writeWhole(join(folder, 'nothing'), utf8('anything'));
    expect(readFileSync('/dev/null', 'utf8')).toBe('');
    expect(readdirSync(folder, { withFileTypes: true }).map((entry) => entry.isSymbolicLink())).toEqual([true]);
  });

  it('that cannot be written is named, and leaves nothing', () => {
    mkdirSync(join(folder, 'taken'));
    for (const name of ['taken', join('absent', 'file')]) {
      expect(() => writeWhole(join(folder, name), utf8('x'))).toThrow(
        expect.objectContaining({ code: 'SETTING_INVALID', message: expect.stringContaining(`cannot write ${join(folder, name)}: `) }),
      );
    }
    expect(readdirSync(folder)).toEqual(['taken']);
  });
});
