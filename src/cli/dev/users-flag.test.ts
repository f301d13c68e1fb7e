import { expect, it } from 'vitest';
import { usersOf } from './users-flag.ts';

it('are named with an organisation and attributes, or without', () => {
  expect(usersOf(['alice:role=auditor', 'bob@org2', 'carol@Org2:a.b=x=y,c='])).toEqual([
    { name: 'alice', org: 'Org1', attributes: { role: 'auditor' } },
    { name: 'bob', org: 'org2', attributes: {} },
    { name: 'carol', org: 'Org2', attributes: { 'a.b': 'x=y', c: '' } },
  ]);
});

it.each([
  ['', 'names nobody'],
  ['../x', 'names nobody'],
  ['alice:', 'is no attribute with a value'],
  ['alice:=x', 'is no attribute with a value'],
  ['Admin', 'is taken'],
  ['org2', 'is taken'],
])('are refused as %j', (text, message) => expect(() => usersOf([text])).toThrow(message));

it('are told who has a name that is taken', () =>
  expect(() => usersOf(['admin'])).toThrow(expect.objectContaining({ advice: expect.stringContaining('has an Admin already') })));

it('come once', () => expect(() => usersOf(['alice', 'alice@org2'])).toThrow('user alice is named twice'));
