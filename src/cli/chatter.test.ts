import { expect, it } from 'vitest';
import { isBuildChatter, isShimChatter } from './chatter.ts';

it.each([
  'npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory.',
  'npm warn install-scripts   protobufjs@7.3.2 (postinstall: node scripts/postinstall)',
  'npm notice New major version of npm available! 10.9.2 -> 11.4.0',
  '',
])('is not for who builds chaincode: %s', (line) => expect(isBuildChatter(line)).toBe(true));

it.each([
  "npm warn EBADENGINE   required: { node: '>=22' },",
  'npm error code ERESOLVE',
  "src/index.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.",
  'added 88 packages in 4s',
])('is for who builds chaincode: %s', (line) => expect(isBuildChatter(line)).toBe(false));

it.each([
  '2026-11-29T21:32:02.732Z info [c-api:lib/chaincode.js]                            Registering with peer',
  '2026-11-29T21:32:02.274Z info [c-api:./lib/annotations/object.js]                 @Object args: Target -> %s "Function"',
  '2026-11-29T21:32:02.770Z info [c-api:fabric-shim/cli]                             Bootstrap process completed',
  '(node:3) [DEP0123] DeprecationWarning: Setting the TLS ServerName to an IP address is not permitted by RFC 6066.',
  'Thread[main,5,main] 10:11:12:123 INFO  org.hyperledger.fabric.shim.ChaincodeBase processEnvironmentOptions',
  'Terminated',
])('a shim says to itself: %s', (line) => expect(isShimChatter(line)).toBe(true));

it.each([
  '2026-11-29T21:32:02.732Z info [c-api:assets]                                      asset 7 created',
  '2026-11-29T21:32:02.732Z error [c-api:lib/handler.js]                             Calling chaincode Invoke() returned error response',
  'Terminated the auction',
])('is for who develops chaincode: %s', (line) => expect(isShimChatter(line)).toBe(false));
