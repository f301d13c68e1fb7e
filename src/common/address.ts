/** Network addresses as settings and flags write them: `host:port`, an IPv6 host in brackets, the host absent for all interfaces. */
export interface HostAndPort {
  /** Without brackets; '' when the address names none. */
  readonly host: string;
  readonly port: number;
}

/** The two parts of an address, or undefined when it is none. */
export function splitAddress(address: string): HostAndPort | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]*)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  return digits === '' || port > 65_535 ? undefined : { host: bracketed ?? plain ?? '', port };
}

export const joinAddress = ({ host, port }: HostAndPort): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

/** Whether a host stands for all interfaces: fine to listen on, nothing to dial. */
export const isUnspecified = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::';
