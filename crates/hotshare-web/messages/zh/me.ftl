me-title = 我的流量
me-reload = 重新加载本页
me-as-of = 截至 { $at }。
me-busy = 热点正忙，请稍后重新加载本页。

me-you = 你是 { $name }。
me-stranger = 这里不认识这台设备。
me-stranger-why = 它的地址不是热点分配的。请让设备自动获取地址（DHCP，“自动”）。
me-waits = 这台设备正在等待。
me-waits-why = 还没有人说明它属于谁。请把下面的内容给热点的主人看：
me-blocked = 这台设备被阻止了。
me-blocked-why = 热点的主人阻止了它：

me-who = 你是谁？
me-who-label = 你的名字
me-who-help = 热点的主人会看到你写的名字和上面的编号，然后决定。
me-who-send = 告诉主人
me-who-said = 你说你是 { $claim }，热点的主人尚未答复。
me-who-again = 换一个说法

me-left = 你还剩多少
me-left-of = 共 { $all }
me-left-until = 有效期至 { $when }。
me-left-renews = 将于 { $when } 重置。
me-left-none = 没有个人限额
me-left-fair = 公平共享全部流量
me-left-percent = 剩余 { $percent }%
me-used = 已用：{ $used }
me-key-until = 你的 Wi-Fi 密钥有效期至 { $when }。
me-time-until = 你的使用时间到 { $when } 结束。

me-why = 为什么现在不能用
me-why-slow-title = 为什么慢
me-slow = 你可以继续使用，但速度较慢：{ $rate }。
me-again-at = 将在 { $when } 重新开放。
me-fast-at = 将在 { $when } 恢复速度。
me-ask-owner = 请询问热点的主人。
me-why-paused = 热点的主人暂停了你的使用。
me-why-allowance-used = 你的限额已用完。
me-why-ended = 给你的使用时间已结束。
me-why-bed-time = 现在是休息时间，此时段不开放。
me-why-kept-for-others = 套餐剩余的流量留给其他人使用。
me-why-asks-for-money = 继续使用需要付费，热点的主人尚未同意。
me-why-new-card = 数据卡是新的，热点的主人尚未同意使用。
me-why-plan-slow = 套餐的这一部分限速。
me-why-card-unknown = 热点还不知道调制解调器里是哪张 SIM 卡，请稍等片刻。
me-why-only-sites = 套餐剩余的流量仅限访问指定的网站，其他网站无法访问。
me-why-plan-used = 大家共用的流量套餐已用完。
me-why-plan-over = 流量套餐尚未开始或已经结束。
me-why-no-uplink = 热点目前没有连接到互联网。
me-why-ledger-stuck = 热点无法记录用量，因此暂停放行，请告诉热点的主人。
me-why-unknown = 你目前不能使用。

me-plan = 大家共用的套餐
me-plan-left = 大家一共还剩 { $left }。
me-plan-open = 没有上限。
me-plan-renews = 将于 { $when } 更新。

me-outlook-little = 现在还无法估计能用多久。
me-outlook-lasts = 应该可以用到 { $day }。
me-outlook-lasts-open = 应该够用。
me-outlook-out = 大概会在 { $day } 用完。
me-outlook-out-between = 大概会在 { $first } 到 { $last } 之间用完。
me-outlook-perhaps = 从 { $day } 起可能用完。
me-outlook-safe = 为了够用，今天最好只再用 { $rest }。

me-devices = 你的设备用了多少
me-device = 设备
me-today = 今天
me-month = 本月
me-this-device = 这台设备
me-device-nameless = 没有名字的设备
me-all-devices = 合计
me-usage-busy = 目前无法显示用量。

me-ask = 申请更多
me-ask-label = 还要多少？
me-ask-send = 向主人申请
me-ask-waits = 你申请了 { $amount }，热点的主人尚未答复。
me-give = 把自己的流量送给别人
me-give-to = 送给谁？
me-give-mb = 多少 MB？你有 { $most } MB。
me-give-send = 赠送

me-done-given = 已经送出。
me-no-form = 只接受本页自己的表单，请重新加载本页。
me-no-amount = 这里不能填写这个数量。
me-no-enough = 你没有剩余这么多。
me-no-person = 不能送给这个人。
me-no-name = 请写由字母或数字组成的名字。
me-no-often = 短时间内次数太多，请一分钟后再试。
me-no-other = 没有成功。请重新加载本页；如果仍然如此，请询问热点的主人。
