import {describe, expect, it} from 'vitest';
import {knowsUnit, showNumber, unitOfMetric} from '../src/units/units';

describe('units read as Grafana writes them', () => {
  const cases: [number, string | undefined, number | undefined, string][] = [
    [0, 'short', undefined, '0'], [1234, 'short', undefined, '1.23 K'], [999_960, 'short', undefined, '1 Mil'], [-1500, 'short', undefined, '-1.5 K'],
    [0.1234, 'percentunit', undefined, '12.3%'], [0.5, 'percentunit', 0, '50%'], [42.5, 'percent', undefined, '42.5%'],
    [1024, 'bytes', undefined, '1 KiB'], [1536, 'bytes', undefined, '1.5 KiB'], [1000, 'decbytes', undefined, '1 kB'], [1024, 'mbytes', undefined, '1 GiB'],
    [1e6, 'Bps', undefined, '1 MB/s'], [1048576, 'binBps', undefined, '1 MiB/s'], [8e9, 'bps', undefined, '8 Gb/s'],
    [0.0123, 's', undefined, '12.3 ms'], [1, 's', undefined, '1 s'], [90, 's', undefined, '1.5 min'], [7200, 's', undefined, '2 hours'], [1500, 'ms', undefined, '1.5 s'], [2e-7, 's', 0, '200 ns'],
    [75, 'celsius', undefined, '75 °C'], [1200, 'watt', undefined, '1.2 kW'], [12.5, 'reqps', undefined, '12.5 req/s'], [2500, 'ops', undefined, '2.5 K ops/s'],
    [12.345, 'currencyUSD', 2, '$12.35'], [5, 'suffix:tok/s', undefined, '5 tok/s'], [1, 'bool_on_off', undefined, 'On'], [3.14159, 'none', 2, '3.14'],
    [NaN, 'short', undefined, 'NaN'], [Infinity, 'bytes', undefined, '∞ B'], [90061, 'dtdhms', undefined, '1 d 01:01:01'],
    [5, 'furlongs', undefined, '5 furlongs'], [1500, undefined, undefined, '1.5 K'],
  ];
  it.each(cases)('%d as %s (%s decimals) is %s', (value, unit, decimals, text) => {
    expect(showNumber(value, unit, decimals)).toBe(text);
  });
  it('knows every unit that is common on public dashboards', () => {
    const common = 'short percentunit s bytes none ops pps bps percent reqps decbytes Bps celsius watt ms eps MBs binBps iops decmbytes hertz joule dtdurations locale string bool rotrpm volt amp';
    expect(common.split(' ').filter((unit) => !knowsUnit(unit))).toEqual([]);
  });
  it('finds the unit of a metric by its name', () => {
    expect(unitOfMetric('rate(node_network_receive_bytes_total[1m])')).toBe('binBps');
    expect(unitOfMetric('histogram_quantile(0.9, rate(a_seconds_bucket[5m]))')).toBe('s');
    expect(unitOfMetric('gpu_utilization_ratio')).toBe('percentunit');
    expect(unitOfMetric('rate(x_seconds_count[1m])')).toBeUndefined();
    expect(unitOfMetric('up')).toBeUndefined();
  });
});
