import { nameKey } from './response.ts'

/** A service as it is asked for. */
export interface ServiceName {
  /** `go.micro.srv.user.micro`, `_http._tcp.local`; in the case it was written in, since go-micro compares it so. */
  readonly question: string
  readonly key: string
  /** What its instances' names end with; a subtype's are those of its type (RFC 6763 section 7.1). */
  readonly instanceEnd: string
  /** Whether a name with that end is an instance of it. Go-micro's service `user` and its `api.user` end alike; DNS-SD's types don't. */
  readonly isType: boolean
}

const maxLabelBytes = 63
const maxNameBytes = 253

/** Returns why where no DNS name can be made of it. */
export function serviceName(service: string, domain: string): ServiceName | string {
  const question = `${service}.${domain}`
  if (Buffer.byteLength(question) > maxNameBytes) return `its name has more than ${maxNameBytes} bytes with the domain`
  for (const label of service.split('.')) {
    if (label === '') return 'its name has an empty part between dots'
    if (Buffer.byteLength(label) > maxLabelBytes) return `its name has a part of more than ${maxLabelBytes} bytes`
  }
  const key = nameKey(question)
  const [subtype, type = ''] = key.split('._sub.')
  const isSubtype = subtype !== key
  return {
    question,
    key,
    instanceEnd: `.${isSubtype ? type : key}`,
    isType: !isSubtype && key.startsWith('_'),
  }
}
