event-uplink = 上行连接是 { $interface }。
event-uplink-lost = 上行连接已断开，暂停转发。
event-grants-lost = 曾断电或重启：已授予的流量中最多 { $amount } 计为已用。
event-idle = 已有 { $time } 没有人使用：热点已停止。
event-card = 数据卡为 { $card }。
event-card-new = 数据卡 { $card } 从未在此使用过：在您同意之前不会放行任何流量。
event-card-agreed = 可以使用数据卡 { $card }。
event-key-new = { $name } 有了新的 Wi-Fi 密钥。
event-key-revoked = { $name } 的 Wi-Fi 密钥已收回。
event-device-new = 新设备：{ $device }，等待您确认。
event-device-new-of = 新设备：{ $device }，属于 { $name }。
event-device-claim = { $device } 等待您确认，自称“{ $claim }”。
event-accounts-full = { $device } 未开放：所有账户都已占用。
event-wrong-key =
    { $count ->
        [one] { $device } 输错了 Wi-Fi 密码，需等待 { $time }。
       *[other] { $device } 输错 Wi-Fi 密码 { $count } 次，需等待 { $time }。
    }
event-too-many-devices =
    { $count ->
        [one] { $device } 使用 { $name } 的密钥加入，已被拒绝：最多同时 1 台设备在线。
       *[other] { $device } 使用 { $name } 的密钥加入，已被拒绝：最多同时 { $count } 台设备在线。
    }
event-plan-slow = 所有人限速：套餐的这一部分限速。
event-plan-fast = 套餐已恢复高速。
event-open = { $name } 已恢复。
event-open-all = 所有人已恢复。之前：{ $why }。
event-slow = { $name } 限速：限额已用完。
event-closed = { $name } 未开放：{ $why }。
event-closed-all = 所有人未开放：{ $why }。
event-ledger-stuck = 无法写入账本，恢复之前不再授予流量：
event-only-sites = 套餐剩余流量只能用于部分网站：{ $sites }。
event-all-sites = 已可访问所有网站。
event-asked = { $name } 申请 { $amount }。
event-granted = { $name } 增加了 { $amount }。
event-denied = { $name } 申请的 { $amount } 被拒绝。
event-gift = { $name } 把 { $amount } 转赠给 { $other }。
event-certificate-got = 页面已有证书，有效期至 { $day }。
event-certificate-renewed = 页面证书已更新，有效期至 { $day }。
event-certificate-ends = 页面证书将于 { $day } 到期，尚无新证书。
event-certificate-failed = 页面尚未取得新证书：
event-passkey-new = 已添加通行密钥“{ $passkey }”。
event-passkey-gone = 已删除通行密钥“{ $passkey }”。
event-passkey-copied = 通行密钥“{ $passkey }”被拒绝：其签名计数倒退，可能存在副本。如不清楚原因，请将其删除。
event-alert-failed = 提醒未能通过 { $channel } 送达，不再重试：
event-plan-level = 套餐流量已用 { $percent } %：{ $used } ／ { $all }。
event-allowance-level = { $name } 的限额已用 { $percent } %：{ $used } ／ { $all }。
event-unusual-use = { $name } 今天的用量异常：{ $amount }。
event-unusual-device = { $name } 的设备 { $device } 今天用量异常：{ $amount }。
event-plan-rolls-soon = 套餐周期将于 { $day } 结束，已用 { $used }。
event-device-waiting = { $device } 正在等待您指定它属于谁。
event-price-step = 继续使用需付 { $money }；在您同意之前不会放行任何流量。

off-died = hostapd 已退出，正在重新启动。
off-hung = hostapd 没有响应，正在重新启动。
off-card-gone = 无线网卡已移除。
off-silent = 无线网卡停止发送，正在重新启动。
off-uplink-moved = 同一网卡上的上行连接换了信道，Wi-Fi 随之更换。
off-uplink-lost = 同一网卡上的上行连接断开，正在所有信道上寻找网络。
off-failed = 无法启动：
off-stopped = 已停止。

radio-country-configured = 国家／地区 { $country }：由配置指定
radio-country-of-uplink = 国家／地区 { $country }：来自上行网络
radio-country-of-locale = 国家／地区 { $country }：来自本机的语言设置
radio-card-is-uplinks = 网卡 { $card }：{ $interface } 仍用于上行连接，接入点使用自己的接口
radio-card-leaves = 网卡 { $card }：不是上行连接，{ $interface } 所加入的网络将断开
radio-card-free = 网卡 { $card }：可作为接入点，且没有其他用途
radio-card-named = 网卡 { $card }：由配置指定
radio-channel-only-uplinks = 信道 { $channel }（{ $band } GHz，{ $width } MHz）：上行连接在此信道，而此网卡只能使用一个信道
radio-channel-uplinks = 信道 { $channel }（{ $band } GHz，{ $width } MHz）：上行连接在此信道，网卡无需来回切换
radio-channel-configured = 信道 { $channel }（{ $band } GHz，{ $width } MHz）：由配置指定
radio-channel-radar = 信道 { $channel }（{ $band } GHz，{ $width } MHz）：由配置指定；网卡会先监听雷达一分钟或更久
radio-channel-first = 信道 { $channel }（{ $band } GHz，{ $width } MHz）：此频段中首个允许接入点的信道
radio-ports-own = 每台设备有自己的接口和组密钥
radio-ports-shared = 网卡驱动不能为每台设备提供接口：设备共用一个组密钥，隔离较弱
radio-ports-not-built = 此 hostapd 不支持为每台设备提供接口

station-admitted = 已接入
station-waiting = 等待中：正在记录它属于谁
station-too-many-devices =
    { $count ->
        [one] 未接入：其成员最多同时 1 台设备在线
       *[other] 未接入：其成员最多同时 { $count } 台设备在线
    }
station-key-gone = 未接入：密钥已收回或已过期
station-unknown = 未接入

denied-wrong-key = 密码错误次数过多
denied-too-many-devices = 其成员的设备过多
denied-unknown = 暂时拒绝
