// Draw the charts: each element with data-chart holds a spec made by charts.py.
// Tooltips are drawn on the canvas, because markup made by a library breaks the strict policy.
"use strict";

(function () {
  const language = document.documentElement.lang;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const charts = new Map();

  function tone(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function palette() {
    return [1, 2, 3, 4, 5, 6, 7].map((n) => tone(`chart-${n}`));
  }

  const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
  const plain = new Intl.NumberFormat(language, { maximumFractionDigits: 4 });
  const clock = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" });
  const hours = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false });

  function money(unit) {
    const form = new Intl.NumberFormat(language, { style: "currency", currency: unit });
    return (value) => form.format(value);
  }

  function axis(extra) {
    return {
      axisLine: { lineStyle: { color: tone("line") } },
      axisTick: { show: false },
      axisLabel: { color: tone("ink-soft"), fontSize: 11, hideOverlap: true },
      splitLine: { lineStyle: { color: tone("line-soft") } },
      ...extra,
    };
  }

  function base() {
    const family = getComputedStyle(document.body).fontFamily;
    return {
      animation: !still.matches,
      animationDuration: 250,
      aria: { enabled: false },
      color: palette(),
      textStyle: { fontFamily: family, color: tone("ink") },
      grid: { left: 4, right: 8, top: 34, bottom: 4, containLabel: true },
      legend: {
        type: "scroll", top: 0, left: 0, itemWidth: 10, itemHeight: 10, icon: "roundRect",
        textStyle: { color: tone("ink-soft"), fontSize: 12 },
        pageTextStyle: { color: tone("ink-soft") }, pageIconColor: tone("ink-soft"),
      },
      tooltip: {
        renderMode: "richText", trigger: "axis", confine: true, borderWidth: 1,
        backgroundColor: tone("paper"), borderColor: tone("line"),
        textStyle: { color: tone("ink"), fontSize: 12 },
      },
    };
  }

  const draw = {
    bars(spec) {
      return {
        xAxis: axis({
          type: "category", data: spec.slots, splitLine: { show: false },
          axisLabel: { color: tone("ink-soft"), fontSize: 11, hideOverlap: true, formatter: (at) => (spec.daily ? day : hours).format(Number(at)) },
        }),
        yAxis: axis({ type: "value", minInterval: 1, axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => short.format(n) } }),
        tooltip: {
          ...base().tooltip,
          formatter: (rows) => [(spec.daily ? day : clock).format(Number(rows[0].name)), ...rows.filter((r) => r.value).map((r) => `${r.seriesName}  ${plain.format(r.value)}`)].join("\n"),
        },
        series: spec.series.map((one) => ({
          type: "bar", name: one.name, stack: "all", barMaxWidth: 16, data: one.data,
          itemStyle: one.tone ? { color: tone(one.tone) } : {},
        })),
      };
    },
    days(spec) {
      const unit = spec.line && money(spec.line.unit);
      const right = axis({ type: "value", axisLine: { show: false }, splitLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => short.format(n) } });
      const left = axis({ type: "value", minInterval: 1, axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => short.format(n) } });
      const series = [{ type: "bar", name: spec.bars.name, data: spec.bars.data, barMaxWidth: 16, itemStyle: { color: tone("chart-3"), borderRadius: [2, 2, 0, 0] } }];
      if (spec.line) {
        series.push({
          type: "line", name: spec.line.name, data: spec.line.data, yAxisIndex: 1, symbol: "none",
          lineStyle: { width: 2, color: tone("chart-1") }, itemStyle: { color: tone("chart-1") },
        });
      }
      return {
        legend: spec.line ? base().legend : { show: false },
        grid: { ...base().grid, top: spec.line ? 34 : 10 },
        xAxis: axis({ type: "category", data: spec.labels, splitLine: { show: false } }),
        yAxis: spec.line ? [left, right] : [left],
        tooltip: {
          ...base().tooltip,
          formatter: (rows) => [rows[0].name, ...rows.map((r) => `${r.seriesName}  ${r.seriesIndex === 1 && unit ? unit(r.value) : plain.format(r.value)}`)].join("\n"),
        },
        series,
      };
    },
    steps(spec) {
      const unit = money(spec.unit);
      const alone = spec.points.length < 3;
      return {
        legend: { show: false },
        grid: { ...base().grid, top: 10 },
        xAxis: axis({ type: "time", splitLine: { show: false } }),
        yAxis: axis({ type: "value", scale: true, axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: unit } }),
        tooltip: { ...base().tooltip, formatter: (rows) => `${rows[0].value[0]}\n${spec.name}  ${unit(rows[0].value[1])}` },
        series: [{ type: "line", step: "end", name: spec.name, data: spec.points, symbol: alone ? "circle" : "none", symbolSize: 7, lineStyle: { width: 2 } }],
      };
    },
    whiskers(spec) {
      const names = spec.rows.map((row) => row.name);
      const colour = (row) => tone({ champion: "chart-1", baseline: "ink-soft" }[row.tone] || "chart-2");
      const line = (api, params) => {
        const row = spec.rows[api.value(0)];
        const [left, y] = api.coord([api.value(1), api.value(0)]);
        const [right] = api.coord([api.value(2), api.value(0)]);
        const stroke = { stroke: colour(row), lineWidth: 2, fill: null };
        const bit = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: stroke });
        return { type: "group", children: [bit(left, y, right, y), bit(left, y - 4, left, y + 4), bit(right, y - 4, right, y + 4)] };
      };
      return {
        legend: { show: false },
        grid: { left: Math.min(130, 18 + 7 * Math.max(...names.map((n) => n.length))), top: 8, right: 18, bottom: 24 },
        xAxis: axis({ type: "value", scale: true, axisLabel: { color: tone("ink-soft"), fontSize: 11, hideOverlap: true, formatter: (n) => plain.format(n) } }),
        yAxis: axis({ type: "category", data: names, splitLine: { show: false }, axisLabel: { color: tone("ink"), fontSize: 12, width: 116, overflow: "truncate" } }),
        tooltip: {
          ...base().tooltip, trigger: "item",
          formatter: (point) => {
            const row = spec.rows[point.dataIndex];
            const span = row.low === null ? "" : `\n${plain.format(row.low)} – ${plain.format(row.high)}`;
            return `${row.name}\n${plain.format(row.value)}${span}`;
          },
        },
        series: [
          { type: "custom", renderItem: (params, api) => line(api, params), data: spec.rows.map((row, i) => [i, row.low === null ? row.value : row.low, row.high === null ? row.value : row.high]), encode: { x: [1, 2], y: 0 }, z: 2 },
          {
            type: "scatter", symbolSize: 11, z: 3,
            data: spec.rows.map((row, i) => ({ value: [row.value, i], itemStyle: { color: row.tone === "champion" ? colour(row) : tone("paper"), borderColor: colour(row), borderWidth: 2 } })),
          },
        ],
      };
    },
    lines(spec) {
      return {
        legend: spec.series.length > 1 ? base().legend : { show: false },
        grid: { ...base().grid, top: spec.series.length > 1 ? 34 : 10 },
        xAxis: axis({ type: "category", data: spec.labels, splitLine: { show: false } }),
        yAxis: axis({ type: "value", scale: true, axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => plain.format(n) } }),
        tooltip: { ...base().tooltip, formatter: (rows) => [rows[0].name, ...rows.filter((r) => r.value !== null && r.value !== undefined).map((r) => `${r.seriesName}  ${plain.format(r.value)}`)].join("\n") },
        series: spec.series.map((one) => ({ type: "line", name: one.name, data: one.data, connectNulls: true, symbol: spec.labels.length < 3 ? "circle" : "none", symbolSize: 6, lineStyle: { width: 2 } })),
      };
    },
    curve(spec) {
      return {
        legend: spec.series.length > 1 ? base().legend : { show: false },
        grid: { ...base().grid, top: spec.series.length > 1 ? 34 : 10 },
        xAxis: axis({ type: "value", minInterval: spec.fine ? 0 : 1, max: spec.fine ? "dataMax" : undefined, splitLine: { show: false } }),
        yAxis: axis({ type: "value", scale: true, axisLine: { show: false } }),
        tooltip: { ...base().tooltip, formatter: (rows) => rows.map((r) => `${r.seriesName}  ${plain.format(r.value[0])}: ${plain.format(r.value[1])}`).join("\n") },
        series: spec.series.map((one) => ({ type: "line", name: one.name, data: one.data, symbol: "circle", symbolSize: 5, lineStyle: { width: 2 } })),
      };
    },
    shaded(spec) {
      const most = Math.max(...spec.shade.data);
      return {
        grid: { ...base().grid, top: 34 },
        xAxis: axis({ type: "category", data: spec.labels, splitLine: { show: false } }),
        yAxis: [
          axis({ type: "value", axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => short.format(n) } }),
          { type: "value", min: 0, max: 1, show: false },
        ],
        legend: { ...base().legend, data: most > 0 ? [spec.bars.name, spec.shade.name] : [spec.bars.name] },
        tooltip: { ...base().tooltip, formatter: (rows) => [rows[0].name, ...rows.filter((r) => r.seriesIndex === 1 || r.value > 0).map((r) => `${r.seriesName}  ${r.seriesIndex === 0 ? `${Math.round(100 * (r.data.share || 0))} %` : plain.format(r.value)}`)].join("\n") },
        series: [
          { type: "bar", name: spec.shade.name, data: spec.shade.data.map((n) => (n > 0 ? { value: 1, share: n, itemStyle: { opacity: 0.18 + 0.32 * n } } : 0)), yAxisIndex: 1, barWidth: "100%", barGap: "-100%", itemStyle: { color: tone("chart-6") }, z: 1 },
          { type: "bar", name: spec.bars.name, data: spec.bars.data, barWidth: "60%", barMaxWidth: 14, barGap: "-100%", itemStyle: { color: tone("chart-1"), borderRadius: [2, 2, 0, 0] }, z: 2 },
        ],
      };
    },
    fan(spec) {
      const colours = ["chart-2", "chart-1", "chart-4", "chart-5"];
      const bands = spec.bands.flatMap((one, at) => {
        const hidden = { type: "line", symbol: "none", lineStyle: { opacity: 0 }, stack: `band-${at}`, silent: true, itemStyle: { color: tone(colours[at]) } };
        return [
          { ...hidden, name: `low-${at}`, data: one.low },
          { ...hidden, name: one.name, data: one.high.map((n, i) => n - one.low[i]), areaStyle: { color: tone(colours[at]), opacity: 0.22 } },
        ];
      });
      const lines = spec.lines.map((one, at) => ({
        type: "line", name: one.name, data: one.data, symbol: spec.labels.length < 16 ? "circle" : "none", symbolSize: 5, connectNulls: false,
        lineStyle: { width: 2, color: tone(["chart-6", "chart-1", "chart-4"][at]), type: at === 2 ? "dashed" : "solid" }, itemStyle: { color: tone(["chart-6", "chart-1", "chart-4"][at]) },
      }));
      return {
        legend: { ...base().legend, data: [...spec.lines.map((one) => one.name), ...spec.bands.map((one) => one.name)] },
        xAxis: axis({ type: "category", data: spec.labels, boundaryGap: false, splitLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, hideOverlap: true, alignMinLabel: "left", alignMaxLabel: "right" } }),
        yAxis: axis({ type: "value", min: 0, axisLine: { show: false }, axisLabel: { color: tone("ink-soft"), fontSize: 11, formatter: (n) => short.format(n) } }),
        tooltip: {
          ...base().tooltip,
          formatter: (rows) => {
            const at = rows[0].dataIndex;
            const said = spec.lines.filter((one) => one.data[at] !== null).map((one) => `${one.name}  ${plain.format(one.data[at])}`);
            const wide = spec.bands.map((one) => `${one.name}  ${plain.format(one.low[at])} – ${plain.format(one.high[at])}`);
            return [rows[0].name, ...said, ...wide].join("\n");
          },
        },
        series: [...bands, ...lines],
      };
    },
    exchange(spec) {
      const unit = money(spec.unit);
      const name = { nameLocation: "middle", nameTextStyle: { color: tone("ink-soft"), fontSize: 11 } };
      return {
        grid: { ...base().grid, left: 24, bottom: 22 },
        xAxis: axis({ type: "value", name: spec.axes[0], nameGap: 26, ...name, axisLabel: { color: tone("ink-soft"), fontSize: 11, hideOverlap: true, alignMaxLabel: "right", formatter: (n) => short.format(n) } }),
        yAxis: axis({ type: "value", name: spec.axes[1], nameGap: 34, ...name, scale: true, max: 100, axisLine: { show: false } }),
        tooltip: { ...base().tooltip, trigger: "item", formatter: (r) => `${r.seriesName}\n${r.value[2]}\n${spec.axes[1]}  ${plain.format(r.value[1])}\n${spec.axes[0]}  ${unit(r.value[0])}` },
        series: [
          ...spec.series.map((one, at) => ({ type: "line", name: one.name, data: one.data, symbol: "circle", symbolSize: 6, lineStyle: { width: 2, color: tone(`chart-${at + 1}`) }, itemStyle: { color: tone(`chart-${at + 1}`) } })),
          ...spec.marks.map((one, at) => ({ type: "scatter", name: one.name, data: one.data, symbol: "diamond", symbolSize: 16, z: 4, itemStyle: { color: tone(at ? "chart-4" : "chart-6"), borderColor: tone("paper"), borderWidth: 1.5 } })),
        ],
      };
    },
    graph(spec) {
      return {
        legend: { ...base().legend, data: spec.kinds },
        tooltip: {
          ...base().tooltip, trigger: "item",
          formatter: (point) => (point.dataType === "edge" ? "" : `${spec.kinds[spec.nodes[point.dataIndex].kind]}\n${point.name}`),
        },
        series: [{
          type: "graph", layout: "force", roam: true, top: 40, bottom: 10,
          force: { repulsion: 160, edgeLength: [40, 90], layoutAnimation: false },
          categories: spec.kinds.map((name) => ({ name })),
          label: { show: true, position: "right", color: tone("ink-soft"), fontSize: 11 },
          labelLayout: { hideOverlap: true },
          lineStyle: { color: tone("line"), width: 1.5 },
          data: spec.nodes.map((node) => ({
            id: node.id, name: node.label, category: node.kind,
            symbol: node.kind === 0 ? "circle" : "roundRect",
            symbolSize: node.mine ? 22 : 13,
            itemStyle: node.frauds ? { borderColor: tone("seal"), borderWidth: 3 } : {},
          })),
          links: spec.edges.map(([source, target]) => ({ source, target })),
        }],
      };
    },
  };

  function make(element) {
    const spec = JSON.parse(element.dataset.chart);
    const chart = echarts.init(element, null, { renderer: "canvas" });
    chart.setOption({ ...base(), ...draw[spec.type](spec) });
    charts.set(element, chart);
    element.dataset.drawn = "yes";
  }

  window.shopkeeperCharts = function (root) {
    for (const [element, chart] of charts) {
      if (!element.isConnected) {
        chart.dispose();
        charts.delete(element);
      }
    }
    for (const element of root.querySelectorAll("[data-chart]")) {
      if (!charts.has(element)) make(element);
    }
  };

  const wide = new ResizeObserver((seen) => {
    for (const one of seen) charts.get(one.target)?.resize();
  });
  const watch = new MutationObserver(() => {
    for (const element of charts.keys()) wide.observe(element);
  });
  watch.observe(document.body, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
  dark.addEventListener("change", () => {
    for (const [element, chart] of charts) {
      chart.dispose();
      charts.delete(element);
      make(element);
    }
  });
})();
