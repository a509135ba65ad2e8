import type { EtcdFormat } from '../../../discovery/etcd/formats/index.ts'
import { address, goZero } from './address.ts'
import type { ValueFormat } from './contract.ts'
import { goMicro } from './go-micro.ts'
import { grpcGo } from './grpc-go.ts'
import { json } from './json.ts'
import { kratos } from './kratos.ts'

/** Every format that can be written: those that can be read, but for `auto`, which is told by the value. */
export const valueFormats = {
  json,
  address,
  'grpc-go': grpcGo,
  'go-micro': goMicro,
  kratos,
  'go-zero': goZero,
} satisfies Readonly<Record<Exclude<EtcdFormat, 'auto'>, ValueFormat>>

export type ValueFormatName = keyof typeof valueFormats
