/** The OUs that tell the roles of an organisation's members apart. */
export const NODE_OUS = { client: 'client', peer: 'peer', admin: 'admin', orderer: 'orderer' } as const;

/** `config.yaml` of an MSP folder: node OUs on, each bound to the one CA. @param caFile like `cacerts/ca.org1.example.com-cert.pem` */
export function configYaml(caFile: string): string {
  const entries = (['Client', 'Peer', 'Admin', 'Orderer'] as const).map(
    (role) => `  ${role}OUIdentifier:\n    Certificate: ${caFile}\n    OrganizationalUnitIdentifier: ${role.toLowerCase()}\n`,
  );
  return `NodeOUs:\n  Enable: true\n${entries.join('')}`;
}
