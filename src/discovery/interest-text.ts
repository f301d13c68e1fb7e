import { goQuoted } from '../protos/go-quoted.ts';
import { common, type protos } from '../protos/messages.ts';

/**
 * An interest in protobuf's compact text form, with a blank after each field: Fabric shows it to clients.
 * @see CompactTextString in golang/protobuf v1.5, proto/text_encode.go
 */
export const interestText = ({ chaincodes }: protos.ChaincodeInterest): string => chaincodes.map(callText).join('');

function callText(call: protos.ChaincodeCall): string {
  const { name, collectionNames, noPrivateReads, noPublicWrites, keyPolicies, disregardNamespacePolicy } = call;
  return message('chaincodes', [
    name === '' ? '' : field('name', quoted(name)),
    ...collectionNames.map((collection) => field('collection_names', quoted(collection))),
    flag('no_private_reads', noPrivateReads),
    flag('no_public_writes', noPublicWrites),
    ...keyPolicies.map(policyText),
    flag('disregard_namespace_policy', disregardNamespacePolicy),
  ]);
}

const policyText = ({ version, rule, identities }: common.SignaturePolicyEnvelope): string =>
  message('key_policies', [
    version === 0 ? '' : field('version', String(version)),
    rule === undefined ? '' : message('rule', [ruleText(rule)]),
    ...identities.map(principalText),
  ]);

function ruleText({ signedBy, nOutOf }: common.SignaturePolicy): string {
  if (signedBy !== undefined) return field('signed_by', String(signedBy));
  if (nOutOf === undefined) return '';
  const { n, rules } = nOutOf;
  return message('n_out_of', [n === 0 ? '' : field('n', String(n)), ...rules.map((rule) => message('rules', [ruleText(rule)]))]);
}

function principalText({ principalClassification: kind, principal }: common.MSPPrincipal): string {
  const [name = String(kind)] = Object.entries(common.MSPPrincipal_Classification).find(([, number]) => number === kind) ?? [];
  return message('identities', [
    kind === 0 ? '' : field('principal_classification', name),
    principal.length === 0 ? '' : field('principal', goQuoted(principal)),
  ]);
}

const message = (name: string, fields: readonly string[]): string => `${name}:<${fields.join('')}> `;
const field = (name: string, value: string): string => `${name}:${value} `;
const flag = (name: string, set: boolean): string => (set ? field(name, 'true') : '');
const quoted = (text: string): string => goQuoted(Buffer.from(text));
