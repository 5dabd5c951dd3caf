export interface CapacitySize {
  nodes: number
  sockets: number
  changes: number
  relay?: boolean
  databases?: number
}
export declare const UNITS: Record<string, number>
export declare const usageOf: (size: CapacitySize, units?: Record<string, number>) => Record<string, number>
export declare const firstOf: (usage: Record<string, number>) => [part: string, share: number]
export declare const databasesFor: (size: CapacitySize, units?: Record<string, number>) => number | null
