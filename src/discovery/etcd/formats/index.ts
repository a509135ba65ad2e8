import { address } from './address.ts'
import type { Format, JsonFormat } from './contract.ts'
import { parseObject } from './fields.ts'
import { goMicro } from './go-micro.ts'
import { grpcGo } from './grpc-go.ts'
import { shown } from './instance.ts'
import { json } from './json.ts'
import { kratos } from './kratos.ts'

const jsonFormats: readonly JsonFormat[] = [goMicro, kratos, grpcGo, json]

/** Every format, by the name it has in the configuration. */
export const formats = {
  auto,
  address,
  'grpc-go': ofJson(grpcGo),
  'go-micro': ofJson(goMicro),
  kratos: ofJson(kratos),
  'go-zero': address,
  json: ofJson(json),
} satisfies Record<string, Format>

export type EtcdFormat = keyof typeof formats

/** By the value alone, so that services of several frameworks can share a prefix. */
function auto(text: string, id: string) {
  if (!text.trimStart().startsWith('{')) return address(text, id)
  const value = parseObject(text)
  if (typeof value === 'string') return value
  const format = jsonFormats.find(({ isOne }) => isOne(value))
  return format?.read(value, id) ?? `its keys are those of no known format: ${shown(Object.keys(value).join(', '))}`
}

function ofJson({ read }: JsonFormat): Format {
  return (text, id) => {
    const value = parseObject(text)
    return typeof value === 'string' ? value : read(value, id)
  }
}
