import { describe, expect, it } from 'vitest';
import { fillTemplate } from './go-template.ts';

describe('a template', () => {
  const values = { peername: 'org1peer', port: 9999, tls: { root: 'PEM' }, on: true };

  it.each([
    ['{{.peername}}_cc:9999', 'org1peer_cc:9999'],
    ['{{ .peername }}:{{.port}}', 'org1peer:9999'],
    ['{{.tls.root}}', 'PEM'],
    ['a {{- .peername -}} b', 'aorg1peerb'],
    ['{{.on}}', 'true'],
    ['nothing to fill', 'nothing to fill'],
    ['', ''],
  ])('%s becomes %s', (text, filled) => {
    expect(fillTemplate(text, values, 'Address')).toBe(filled);
  });

  it.each([
    ['{{.missing}}', 'map has no entry for key "missing"'],
    ['{{.tls.missing}}', 'map has no entry for key "missing"'],
    ['{{.toString}}', 'map has no entry for key "toString"'],
    ['{{.peername.length}}', 'map has no entry for key "length"'],
    ['{{if .on}}x{{end}}', '{{if .on}} is not supported'],
    ['{{.peername', 'unclosed action'],
  ])('%s is refused', (text, reason) => {
    expect(() => fillTemplate(text, values, 'Address')).toThrow(`Failed to parse the Address field template: ${reason}`);
  });
});
