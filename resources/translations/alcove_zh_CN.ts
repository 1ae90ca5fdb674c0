<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>About</name>
    <message>
        <source>Talk to open models on your own computer.</source>
        <translation>在自己的电脑上与开源模型对话。</translation>
    </message>
    <message>
        <source>Your data</source>
        <translation>你的数据</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>Alcove is free software (Apache-2.0), made with the work of others.</source>
        <translation>Alcove 是自由软件（Apache-2.0），也用到了许多他人的成果。</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>查看</translation>
    </message>
    <message>
        <source>Show licences</source>
        <translation>查看许可证</translation>
    </message>
</context>
<context>
    <name>Accents</name>
    <message>
        <source>Green</source>
        <translation>绿</translation>
    </message>
    <message>
        <source>Blue</source>
        <translation>蓝</translation>
    </message>
    <message>
        <source>Violet</source>
        <translation>紫</translation>
    </message>
    <message>
        <source>Rose</source>
        <translation>玫瑰</translation>
    </message>
    <message>
        <source>Amber</source>
        <translation>琥珀</translation>
    </message>
    <message>
        <source>Slate</source>
        <translation>石板灰</translation>
    </message>
</context>
<context>
    <name>Advice</name>
    <message>
        <source>{span} tok/s</source>
        <translation>每秒 {span} 词元</translation>
    </message>
    <message>
        <source>speed unknown</source>
        <translation>速度未知</translation>
    </message>
    <message>
        <source>first word after {time}</source>
        <translation>{time}后出第一个字</translation>
    </message>
    <message>
        <source>{size} to download</source>
        <translation>需下载 {size}</translation>
    </message>
    <message>
        <source>{size} to download, {missing} too much for the disk</source>
        <translation>需下载 {size}，磁盘空间还差 {missing}</translation>
    </message>
    <message>
        <source>{size} to download, then {left} left on the disk</source>
        <translation>需下载 {size}，之后磁盘还剩 {left}</translation>
    </message>
    <message>
        <source>{name}: {taken}</source>
        <translation>{name}：{taken}</translation>
    </message>
    <message>
        <source>{name}: {taken} of {free} free</source>
        <translation>{name}：占用 {taken}，空闲 {free}</translation>
    </message>
</context>
<context>
    <name>AdviceView</name>
    <message>
        <source>Working it out…</source>
        <translation>正在推算…</translation>
    </message>
    <message>
        <source>All that run here, best first</source>
        <translation>这里能运行的模型，最好的在前</translation>
    </message>
    <message>
        <source>Not worth the trouble here</source>
        <translation>在这里不值得一试</translation>
    </message>
    <message>
        <source>What one change would make possible</source>
        <translation>换一样硬件就能做到的</translation>
    </message>
    <message>
        <source>Assumed: {said}</source>
        <translation>假设：{said}</translation>
    </message>
    <message>
        <source>Nothing runs well here</source>
        <translation>没有模型能在这里好好运行</translation>
    </message>
    <message>
        <source>Open settings</source>
        <translation>打开设置</translation>
    </message>
</context>
<context>
    <name>Attachments</name>
    <message>
        <source>The loaded model cannot see pictures. Choose one that comes with a projector.</source>
        <translation>当前模型看不了图片。请换一个带投影文件（mmproj）的模型。</translation>
    </message>
    <message>
        <source>This file is no picture that can be read.</source>
        <translation>这个文件不是可以读取的图片。</translation>
    </message>
    <message>
        <source>A message can have {count} pictures.</source>
        <translation>一条消息最多附 {count} 张图片。</translation>
    </message>
    <message>
        <source>Attach a picture</source>
        <translation>附上图片</translation>
    </message>
    <message>
        <source>Remove picture {number}</source>
        <translation>移除第 {number} 张图片</translation>
    </message>
    <message>
        <source>Picture {number}</source>
        <translation>图片 {number}</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>The connection was lost. Alcove is starting its background process again.</source>
        <translation>连接中断，Alcove 正在重新启动后台进程。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>BenchCard</name>
    <message>
        <source>Measure a model</source>
        <translation>测量模型</translation>
    </message>
    <message>
        <source>How fast it reads and writes with little and with much in mind. It is loaded for that.</source>
        <translation>上下文短和上下文长时，它读和写各有多快。测量时会加载它。</translation>
    </message>
    <message>
        <source>Model to measure</source>
        <translation>要测量的模型</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel measuring the model</source>
        <translation>取消测量模型</translation>
    </message>
    <message>
        <source>Measuring a model</source>
        <translation>正在测量模型</translation>
    </message>
    <message>
        <source>Tokens a second</source>
        <translation>每秒词元</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>词元数</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>predicted</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>off by</source>
        <translation>相差</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>{model}  ·  {device}  ·  context of {context} tokens  ·  loaded in {time}  ·  llama.cpp {build}</source>
        <translation>{model}  ·  {device}  ·  上下文 {context} 词元  ·  加载用时 {time}  ·  llama.cpp {build}</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>BubbleRow</name>
    <message>
        <source>Your message</source>
        <translation>你的消息</translation>
    </message>
    <message>
        <source>Show all {count} characters</source>
        <translation>显示全部 {count} 个字符</translation>
    </message>
</context>
<context>
    <name>CalibrationCard</name>
    <message>
        <source>Measure this computer</source>
        <translation>测量这台电脑</translation>
    </message>
    <message>
        <source>Ten seconds with two small models made on the spot. Predictions are then corrected by what this computer really reaches.</source>
        <translation>用两个现场生成的小模型测十秒，此后的预测会按这台电脑的真实表现校正。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel measuring this computer</source>
        <translation>取消测量这台电脑</translation>
    </message>
    <message>
        <source>Measuring this computer</source>
        <translation>正在测量这台电脑</translation>
    </message>
    <message>
        <source>Measure again</source>
        <translation>重新测量</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测量</translation>
    </message>
    <message>
        <source>Making the models…</source>
        <translation>正在生成模型…</translation>
    </message>
    <message>
        <source>Loading…</source>
        <translation>正在加载…</translation>
    </message>
    <message>
        <source>Measuring…</source>
        <translation>正在测量…</translation>
    </message>
    <message>
        <source>Memory is read at {speed} while writing</source>
        <translation>生成时内存读取速度为 {speed}</translation>
    </message>
    <message>
        <source>{time} µs a layer besides</source>
        <translation>每层另需 {time} 微秒</translation>
    </message>
    <message>
        <source>{rate} TFLOPS while reading a prompt</source>
        <translation>读提示时达到 {rate} TFLOPS</translation>
    </message>
    <message>
        <source>measured on {day}</source>
        <translation>测于 {day}</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>ChatPage</name>
    <message>
        <source>Copy the last answer</source>
        <translation>复制上一条回答</translation>
    </message>
    <message>
        <source>Write the last answer again</source>
        <translation>重新生成上一条回答</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>停止回答</translation>
    </message>
    <message>
        <source>How answers are made</source>
        <translation>回答方式</translation>
    </message>
</context>
<context>
    <name>Checks</name>
    <message>
        <source>Everything works.</source>
        <translation>一切正常。</translation>
    </message>
    <message>
        <source>Hide what is well</source>
        <translation>收起正常的项目</translation>
    </message>
    <message>
        <source>What is well ({count})</source>
        <translation>正常的项目（{count}）</translation>
    </message>
    <message>
        <source>Works</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Worth knowing</source>
        <translation>值得注意</translation>
    </message>
    <message>
        <source>Does not work</source>
        <translation>不能用</translation>
    </message>
</context>
<context>
    <name>CodeRow</name>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy this code</source>
        <translation>复制这段代码</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>代码</translation>
    </message>
    <message>
        <source>code</source>
        <translation>代码</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>CommonSampling</name>
    <message>
        <source>How words are chosen</source>
        <translation>如何选词</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Higher is more varied, lower more predictable; 0 always takes the likeliest word.</source>
        <translation>越高越多变，越低越稳定；0 总是取最可能的词。</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together reach this share count.</source>
        <translation>只考虑概率合计达到这一比例的那些最可能的词。</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Only so many of the likeliest words count; 0 counts all.</source>
        <translation>只考虑最可能的这么多个词；0 表示全部。</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Words less likely than this share of the likeliest are left out.</source>
        <translation>概率低于最可能的词的这一比例，就不考虑。</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>回答长度上限</translation>
    </message>
    <message>
        <source>The answer ends after so many tokens.</source>
        <translation>写满这么多词元后结束。</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>The same seed gives the same answer to the same question.</source>
        <translation>种子相同，同样的问题得到同样的回答。</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Message</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>Write a message…</source>
        <translation>写点什么…</translation>
    </message>
    <message>
        <source>Think first</source>
        <translation>先思考</translation>
    </message>
    <message>
        <source>The model thinks before it answers: slower, often more thorough</source>
        <translation>模型先思考再回答：慢一些，但往往更周全</translation>
    </message>
    <message>
        <source>When the context is full, the oldest messages are left out. A line shows where.</source>
        <translation>上下文满了之后会略去最早的消息，并用一条线标出位置。</translation>
    </message>
    <message>
        <source>When the context is full, the answer stops and says so. Nothing is left out.</source>
        <translation>上下文用满时，回答会停下并说明，不会悄悄略去任何内容。</translation>
    </message>
    <message>
        <source>{count} characters</source>
        <translation>{count} 个字符</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
</context>
<context>
    <name>ContextMeter</name>
    <message>
        <source>{used} of {length}</source>
        <translation>{used} / {length}</translation>
    </message>
    <message>
        <source>Context used: {words} tokens</source>
        <translation>已用上下文：{words} 词元</translation>
    </message>
</context>
<context>
    <name>ContextSection</name>
    <message>
        <source>Limits</source>
        <translation>限度</translation>
    </message>
    <message>
        <source>When the context is full</source>
        <translation>上下文满了时</translation>
    </message>
    <message>
        <source>Either way you are told: the instructions always stay, and a line shows what was left out.</source>
        <translation>无论哪种都会告诉你：系统提示始终保留，略去的内容会用一条线标出。</translation>
    </message>
    <message>
        <source>stop and say so</source>
        <translation>停下并说明</translation>
    </message>
    <message>
        <source>leave out the oldest</source>
        <translation>略去最早的消息</translation>
    </message>
    <message>
        <source>End circles</source>
        <translation>结束循环</translation>
    </message>
    <message>
        <source>An answer that only repeats itself is ended.</source>
        <translation>只是不断重复的回答会被结束。</translation>
    </message>
</context>
<context>
    <name>Controller</name>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Message deleted</source>
        <translation>消息已删除</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>ConversationList</name>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Move to folder</source>
        <translation>移到文件夹</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>“{title}” deleted</source>
        <translation>已删除“{title}”</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>New folder…</source>
        <translation>新建文件夹…</translation>
    </message>
    <message>
        <source>Take out of folder</source>
        <translation>移出文件夹</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>Name of the folder</source>
        <translation>文件夹名称</translation>
    </message>
</context>
<context>
    <name>ConversationModel</name>
    <message>
        <source>Pinned</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
</context>
<context>
    <name>Details</name>
    <message>
        <source>context of {count} tokens</source>
        <translation>上下文 {count} 词元</translation>
    </message>
    <message>
        <source>{count} parameters</source>
        <translation>{count} 参数</translation>
    </message>
    <message>
        <source>quality {score} of 100 ({source})</source>
        <translation>质量 {score}/100（{source}）</translation>
    </message>
</context>
<context>
    <name>EditorRow</name>
    <message>
        <source>Edit your message</source>
        <translation>编辑你的消息</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
</context>
<context>
    <name>ErrorCard</name>
    <message>
        <source>Error</source>
        <translation>错误</translation>
    </message>
    <message>
        <source>Hide details</source>
        <translation>收起详情</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详情</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详情</translation>
    </message>
</context>
<context>
    <name>FigureWords</name>
    <message>
        <source>First token after {time}</source>
        <translation>{time}后写出第一个词元</translation>
    </message>
    <message>
        <source>Waited {time} for its turn</source>
        <translation>排队等了 {time}</translation>
    </message>
    <message>
        <source>Prompt: {count} tokens</source>
        <translation>提示：{count} 词元</translation>
    </message>
    <message>
        <source>Prompt: {count} tokens, {cached} of them known from before</source>
        <translation>提示：{count} 词元，其中 {cached} 来自缓存</translation>
    </message>
    <message>
        <source>Read in {time} ({speed})</source>
        <translation>读取用了 {time}（{speed}）</translation>
    </message>
    <message>
        <source>Thought for {time}</source>
        <translation>思考了 {time}</translation>
    </message>
    <message>
        <source>Answer: {count} tokens</source>
        <translation>回答：{count} 词元</translation>
    </message>
    <message>
        <source>Answer: {count} tokens in {time} ({speed})</source>
        <translation>回答：{count} 词元，用了 {time}（{speed}）</translation>
    </message>
    <message>
        <source>Drafted ahead: {drafted} tokens, {accepted} taken ({percent} %)</source>
        <translation>预写：{drafted} 词元，采用 {accepted}（{percent} %）</translation>
    </message>
    <message>
        <source>Context: {used} of {length} tokens</source>
        <translation>上下文：{used} / {length} 词元</translation>
    </message>
    <message>
        <source>Ended: closed early at a limit</source>
        <translation>结束原因：到了上限，提前收尾</translation>
    </message>
    <message>
        <source>Ended: the model was done</source>
        <translation>结束原因：模型写完了</translation>
    </message>
    <message>
        <source>Ended: the limit of answer tokens</source>
        <translation>结束原因：到了回答长度上限</translation>
    </message>
    <message>
        <source>Ended: the context was full</source>
        <translation>结束原因：上下文已满</translation>
    </message>
    <message>
        <source>Ended: it was stopped</source>
        <translation>结束原因：被停止</translation>
    </message>
    <message>
        <source>Ended: it went round in circles</source>
        <translation>结束原因：陷入重复</translation>
    </message>
    <message>
        <source>Ended: it called a tool</source>
        <translation>结束原因：调用了工具</translation>
    </message>
</context>
<context>
    <name>FooterRow</name>
    <message>
        <source>Copy message</source>
        <translation>复制消息</translation>
    </message>
    <message>
        <source>Edit message</source>
        <translation>编辑消息</translation>
    </message>
    <message>
        <source>Write the answer again</source>
        <translation>重新生成回答</translation>
    </message>
    <message>
        <source>Delete message and what follows</source>
        <translation>删除这条消息及其后的内容</translation>
    </message>
    <message>
        <source>Figures of this answer</source>
        <translation>这条回答的数据</translation>
    </message>
    <message>
        <source>first token {time}</source>
        <translation>首个词元 {time}</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
</context>
<context>
    <name>FormatSection</name>
    <message>
        <source>Output</source>
        <translation>输出</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>The answer can have no other shape than this.</source>
        <translation>回答只能是这种形式。</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>JSON after a schema</source>
        <translation>符合模式的 JSON</translation>
    </message>
    <message>
        <source>Regular expression</source>
        <translation>正则表达式</translation>
    </message>
    <message>
        <source>One of a list</source>
        <translation>从列表中选一个</translation>
    </message>
    <message>
        <source>Grammar (Lark)</source>
        <translation>语法（Lark）</translation>
    </message>
    <message>
        <source>Grammar (GBNF)</source>
        <translation>语法（GBNF）</translation>
    </message>
    <message>
        <source>Schema</source>
        <translation>模式</translation>
    </message>
    <message>
        <source>A JSON Schema that the answer keeps to.</source>
        <translation>回答所遵守的 JSON Schema。</translation>
    </message>
    <message>
        <source>Expression</source>
        <translation>表达式</translation>
    </message>
    <message>
        <source>The whole answer matches it.</source>
        <translation>整条回答都与它匹配。</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>可选的回答</translation>
    </message>
    <message>
        <source>The answer is one of these; one a line.</source>
        <translation>回答是其中之一；每行一个。</translation>
    </message>
    <message>
        <source>Grammar</source>
        <translation>语法</translation>
    </message>
    <message>
        <source>A grammar in Lark&apos;s notation; it begins at “start”.</source>
        <translation>用 Lark 写法的语法；从 “start” 开始。</translation>
    </message>
    <message>
        <source>A grammar in llama.cpp&apos;s notation; it begins at “root”.</source>
        <translation>用 llama.cpp 写法的语法；从 “root” 开始。</translation>
    </message>
    <message>
        <source>yes
no</source>
        <translation>是
否</translation>
    </message>
    <message>
        <source>This is no JSON object: look at line {line}.</source>
        <translation>这不是 JSON 对象：请看第 {line} 行。</translation>
    </message>
    <message>
        <source>Nothing here yet, so the format before stays in force.</source>
        <translation>这里还是空的，因此仍用之前的格式。</translation>
    </message>
</context>
<context>
    <name>FurtherSampling</name>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>on (version 2)</source>
        <translation>开（第 2 版）</translation>
    </message>
    <message>
        <source>Repeat penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>Above 1, words that were just written become less likely.</source>
        <translation>大于 1 时，刚写过的词会更少出现。</translation>
    </message>
    <message>
        <source>Penalty window</source>
        <translation>惩罚范围</translation>
    </message>
    <message>
        <source>So many tokens back count as just written; -1 is the whole context.</source>
        <translation>往回多少词元算作“刚写过”；-1 为整个上下文。</translation>
    </message>
    <message>
        <source>Presence penalty</source>
        <translation>出现惩罚</translation>
    </message>
    <message>
        <source>Makes words less likely that have occurred at all.</source>
        <translation>出现过的词会更少出现。</translation>
    </message>
    <message>
        <source>Frequency penalty</source>
        <translation>频率惩罚</translation>
    </message>
    <message>
        <source>Makes words less likely the more often they have occurred.</source>
        <translation>出现越多的词，越少再出现。</translation>
    </message>
    <message>
        <source>Phrase penalty (DRY)</source>
        <translation>短语惩罚（DRY）</translation>
    </message>
    <message>
        <source>Holds back whole phrases that would repeat; 0 turns it off.</source>
        <translation>抑制整段重复的短语；0 为关闭。</translation>
    </message>
    <message>
        <source>DRY base</source>
        <translation>DRY 底数</translation>
    </message>
    <message>
        <source>How fast that grows with the length of the phrase.</source>
        <translation>惩罚随短语长度增长的快慢。</translation>
    </message>
    <message>
        <source>DRY free length</source>
        <translation>DRY 放行长度</translation>
    </message>
    <message>
        <source>Phrases up to so many tokens may repeat.</source>
        <translation>不超过这么多词元的短语可以重复。</translation>
    </message>
    <message>
        <source>DRY window</source>
        <translation>DRY 范围</translation>
    </message>
    <message>
        <source>So many tokens back are searched; -1 is all of them.</source>
        <translation>往回查找这么多词元；-1 为全部。</translation>
    </message>
    <message>
        <source>Leave out the obvious (XTC)</source>
        <translation>避开显而易见的词（XTC）</translation>
    </message>
    <message>
        <source>How often the most obvious words are left out; 0 turns it off.</source>
        <translation>以多大的概率略去最显而易见的词；0 为关闭。</translation>
    </message>
    <message>
        <source>XTC threshold</source>
        <translation>XTC 门槛</translation>
    </message>
    <message>
        <source>Only words likelier than this count as obvious.</source>
        <translation>概率高于它的词才算显而易见。</translation>
    </message>
    <message>
        <source>Typical-p</source>
        <translation>Typical-p</translation>
    </message>
    <message>
        <source>Keeps words about as surprising as expected; 1 is off.</source>
        <translation>保留意外程度与预期相近的词；1 为关闭。</translation>
    </message>
    <message>
        <source>Top-n-sigma</source>
        <translation>Top-n-sigma</translation>
    </message>
    <message>
        <source>Keeps words within so many standard deviations of the best score.</source>
        <translation>保留得分与最高分相差不超过这么多个标准差的词。</translation>
    </message>
    <message>
        <source>Dynamic temperature</source>
        <translation>动态温度</translation>
    </message>
    <message>
        <source>Temperature moves by this much with the model&apos;s certainty; 0 is off.</source>
        <translation>温度随模型的把握上下浮动的幅度；0 为关闭。</translation>
    </message>
    <message>
        <source>Dynamic exponent</source>
        <translation>动态指数</translation>
    </message>
    <message>
        <source>How steeply it moves.</source>
        <translation>浮动的陡峭程度。</translation>
    </message>
    <message>
        <source>Mirostat</source>
        <translation>Mirostat</translation>
    </message>
    <message>
        <source>Keeps the text evenly surprising, in place of top-k, top-p and the like.</source>
        <translation>让文字的意外程度保持均匀，取代 top-k、top-p 等。</translation>
    </message>
    <message>
        <source>Mirostat target</source>
        <translation>Mirostat 目标</translation>
    </message>
    <message>
        <source>How surprising the text is to be.</source>
        <translation>文字应有的意外程度。</translation>
    </message>
    <message>
        <source>Mirostat rate</source>
        <translation>Mirostat 速率</translation>
    </message>
    <message>
        <source>How fast it corrects itself.</source>
        <translation>自我修正的快慢。</translation>
    </message>
    <message>
        <source>Shortest answer</source>
        <translation>回答长度下限</translation>
    </message>
    <message>
        <source>The model cannot end before so many tokens.</source>
        <translation>写满这么多词元之前不能结束。</translation>
    </message>
    <message>
        <source>Stop strings</source>
        <translation>停止字符串</translation>
    </message>
    <message>
        <source>The answer ends before any of these; one a line.</source>
        <translation>写到其中任何一个之前就结束；每行一个。</translation>
    </message>
    <message>
        <source>DRY breakers</source>
        <translation>DRY 分隔符</translation>
    </message>
    <message>
        <source>A repeated phrase ends at any of these; one a line.</source>
        <translation>重复的短语到其中任何一个为止；每行一个。</translation>
    </message>
</context>
<context>
    <name>GalleryRow</name>
    <message>
        <source>Picture {number}</source>
        <translation>图片 {number}</translation>
    </message>
    <message>
        <source>Show the picture large</source>
        <translation>放大查看</translation>
    </message>
</context>
<context>
    <name>HardwarePage</name>
    <message>
        <source>This computer</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>What Alcove sees of your machine. Nothing of this leaves it.</source>
        <translation>Alcove 看到的这台电脑。这些信息不会离开本机。</translation>
    </message>
    <message>
        <source>The machine</source>
        <translation>硬件</translation>
    </message>
    <message>
        <source>What to run</source>
        <translation>该用哪个模型</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新查看</translation>
    </message>
</context>
<context>
    <name>InstructionsSection</name>
    <message>
        <source>Instructions (system prompt)</source>
        <translation>指示（系统提示）</translation>
    </message>
    <message>
        <source>The model reads this before every message: who it is, how it should answer.</source>
        <translation>模型在每条消息之前都会读它：它是谁、该怎样回答。</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
</context>
<context>
    <name>LeftOutRow</name>
    <message>
        <source>What stands above did not fit into the context: the model has not read it.</source>
        <translation>以上内容放不进上下文：模型没有读到。</translation>
    </message>
</context>
<context>
    <name>Licences</name>
    <message>
        <source>Licences</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>LinkQuestion</name>
    <message>
        <source>Open this link?</source>
        <translation>打开这个链接？</translation>
    </message>
    <message>
        <source>This link leads to:</source>
        <translation>这个链接指向：</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Copy address</source>
        <translation>复制地址</translation>
    </message>
</context>
<context>
    <name>LoadDialog</name>
    <message>
        <source>Load {name}</source>
        <translation>加载 {name}</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>f16, exact</source>
        <translation>f16，精确</translation>
    </message>
    <message>
        <source>q8_0, half the memory</source>
        <translation>q8_0，内存减半</translation>
    </message>
    <message>
        <source>on</source>
        <translation>开</translation>
    </message>
    <message>
        <source>off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>Trained for {count}.</source>
        <translation>训练时为 {count}。</translation>
    </message>
    <message>
        <source>How many tokens it can hold in mind. Longer takes more memory.</source>
        <translation>它能记住多少词元。越长，占用的内存越多。</translation>
    </message>
    <message>
        <source>Context length</source>
        <translation>上下文长度</translation>
    </message>
    <message>
        <source>Answers at once</source>
        <translation>同时回答数</translation>
    </message>
    <message>
        <source>So many answers are written side by side; they share the context.</source>
        <translation>可以同时写这么多条回答；它们共用上下文。</translation>
    </message>
    <message>
        <source>GPU layers</source>
        <translation>GPU 层数</translation>
    </message>
    <message>
        <source>So many layers go to the graphics card; the rest stays with the processor. 0 uses no card.</source>
        <translation>这么多层放到显卡上，其余由处理器计算。0 表示不用显卡。</translation>
    </message>
    <message>
        <source>Experts on the processor</source>
        <translation>放在处理器上的专家层</translation>
    </message>
    <message>
        <source>For mixture-of-experts models: the experts of so many layers stay in ordinary memory.</source>
        <translation>用于混合专家模型：这么多层的专家留在普通内存中。</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Processor threads at most.</source>
        <translation>最多使用的处理器线程。</translation>
    </message>
    <message>
        <source>Context memory (KV type)</source>
        <translation>上下文内存（KV 类型）</translation>
    </message>
    <message>
        <source>How exactly the context is kept: smaller types leave room for more of it.</source>
        <translation>上下文保存得多精确：类型越小，能放下的越多。</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash attention</translation>
    </message>
    <message>
        <source>Faster on most cards, and needed by small KV types.</source>
        <translation>在大多数显卡上更快，较小的 KV 类型也需要它。</translation>
    </message>
    <message>
        <source>Keep in memory</source>
        <translation>常驻内存</translation>
    </message>
    <message>
        <source>The system may not move the model out to disk.</source>
        <translation>不让系统把模型换出到磁盘。</translation>
    </message>
    <message>
        <source>Whole sliding window</source>
        <translation>完整的滑动窗口</translation>
    </message>
    <message>
        <source>More memory; a changed question is then answered without reading all again.</source>
        <translation>占用更多内存；修改问题后不必重读全部内容。</translation>
    </message>
    <message>
        <source>Projector (mmproj)</source>
        <translation>投影文件（mmproj）</translation>
    </message>
    <message>
        <source>With its projector file the model can see pictures.</source>
        <translation>有了投影文件，模型就能看图片。</translation>
    </message>
    <message>
        <source>Draft model</source>
        <translation>草稿模型</translation>
    </message>
    <message>
        <source>A smaller model with the same vocabulary writes ahead; the answer stays the same.</source>
        <translation>由词表相同的小模型预写；回答保持不变。</translation>
    </message>
    <message>
        <source>A whole number from {least} to {most}.</source>
        <translation>{least} 到 {most} 的整数。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>What you leave empty, the engine chooses.</source>
        <translation>留空的项由引擎决定。</translation>
    </message>
</context>
<context>
    <name>LoadedModels</name>
    <message>
        <source>No model is in memory.</source>
        <translation>内存中没有模型。</translation>
    </message>
</context>
<context>
    <name>Machine</name>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>Operating system</source>
        <translation>操作系统</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>Cores</source>
        <translation>核心</translation>
    </message>
    <message>
        <source>Vector extensions</source>
        <translation>向量指令集</translation>
    </message>
    <message>
        <source>Largest cache</source>
        <translation>最大缓存</translation>
    </message>
    <message>
        <source>Memory speed</source>
        <translation>内存速度</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>Disk of the model folder</source>
        <translation>模型文件夹所在磁盘</translation>
    </message>
    <message>
        <source>Container</source>
        <translation>容器</translation>
    </message>
    <message>
        <source>Graphics card</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>none the engine can use</source>
        <translation>没有引擎可用的显卡</translation>
    </message>
    <message>
        <source>not used by the engine</source>
        <translation>引擎未使用</translation>
    </message>
    <message>
        <source>memory speed unknown</source>
        <translation>显存速度未知</translation>
    </message>
    <message>
        <source>driver unknown</source>
        <translation>驱动未知</translation>
    </message>
    <message>
        <source>{physical} cores, {logical} threads</source>
        <translation>{physical} 核，{logical} 线程</translation>
    </message>
    <message>
        <source>{speed} at most, channels in use: {count}</source>
        <translation>最高 {speed}，已用通道：{count}</translation>
    </message>
    <message>
        <source>{free} of {total} free</source>
        <translation>空闲 {free}，共 {total}</translation>
    </message>
    <message>
        <source>{free} free</source>
        <translation>空闲 {free}</translation>
    </message>
</context>
<context>
    <name>MachineView</name>
    <message>
        <source>Looking at the machine…</source>
        <translation>正在查看这台电脑…</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>What works here</source>
        <translation>运行情况</translation>
    </message>
    <message>
        <source>Models in memory</source>
        <translation>内存中的模型</translation>
    </message>
    <message>
        <source>What was found</source>
        <translation>硬件信息</translation>
    </message>
    <message>
        <source>Main memory</source>
        <translation>主内存</translation>
    </message>
</context>
<context>
    <name>Memory</name>
    <message>
        <source>main memory</source>
        <translation>主内存</translation>
    </message>
</context>
<context>
    <name>MemoryRow</name>
    <message>
        <source>unknown</source>
        <translation>未知</translation>
    </message>
    <message>
        <source>{name}, {total} in all</source>
        <translation>{name}，共 {total}</translation>
    </message>
    <message>
        <source>other programs {size}</source>
        <translation>其他程序 {size}</translation>
    </message>
    <message>
        <source>taken {size}</source>
        <translation>已用 {size}</translation>
    </message>
    <message>
        <source>Alcove {size}</source>
        <translation>Alcove {size}</translation>
    </message>
    <message>
        <source>free {size}</source>
        <translation>空闲 {size}</translation>
    </message>
</context>
<context>
    <name>MessageField</name>
    <message>
        <source>Remove the pasted text</source>
        <translation>移除粘贴的文字</translation>
    </message>
    <message>
        <source>Pasted text, {count} characters</source>
        <translation>粘贴的文字，{count} 个字符</translation>
    </message>
</context>
<context>
    <name>ModelDetails</name>
    <message>
        <source>Name for other programs</source>
        <translation>供其他程序使用的名称</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Architecture</source>
        <translation>架构</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>Context length (trained)</source>
        <translation>上下文长度（训练）</translation>
    </message>
    <message>
        <source>Context length (loaded)</source>
        <translation>上下文长度（已加载）</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>No model yet</source>
        <translation>还没有模型</translation>
    </message>
    <message>
        <source>Model: {words}</source>
        <translation>模型：{words}</translation>
    </message>
    <message>
        <source>All models…</source>
        <translation>所有模型…</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>卸载</translation>
    </message>
    <message>
        <source>Cancel loading</source>
        <translation>取消加载</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>Load with…</source>
        <translation>设置参数并加载…</translation>
    </message>
    <message>
        <source>loaded</source>
        <translation>已加载</translation>
    </message>
    <message>
        <source>loading {percent} %</source>
        <translation>加载中 {percent}%</translation>
    </message>
    <message>
        <source>broken</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>not loaded</source>
        <translation>未加载</translation>
    </message>
</context>
<context>
    <name>ModelRow</name>
    <message>
        <source>Built in</source>
        <translation>内置</translation>
    </message>
    <message>
        <source>Loading {name}</source>
        <translation>正在加载 {name}</translation>
    </message>
    <message>
        <source>Details of {name}</source>
        <translation>{name} 的详情</translation>
    </message>
    <message>
        <source>Load {name} with…</source>
        <translation>设置参数并加载 {name}…</translation>
    </message>
    <message>
        <source>{count} parameters</source>
        <translation>{count} 参数</translation>
    </message>
    <message>
        <source>context up to {count} tokens</source>
        <translation>上下文最长 {count} 词元</translation>
    </message>
    <message>
        <source>Loaded on {device}</source>
        <translation>已加载到 {device}</translation>
    </message>
    <message>
        <source>Loaded</source>
        <translation>已加载</translation>
    </message>
    <message>
        <source>Loading</source>
        <translation>加载中</translation>
    </message>
    <message>
        <source>Broken</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>加载</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>卸载</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>GGUF files in {folder}. Put a file there, and it appears here.</source>
        <translation>{folder} 中的 GGUF 文件。把文件放进去，就会出现在这里。</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新查看</translation>
    </message>
    <message>
        <source>No models of your own yet</source>
        <translation>还没有你自己的模型</translation>
    </message>
    <message>
        <source>Download a model as a GGUF file and put it into the model folder.</source>
        <translation>下载一个 GGUF 格式的模型，放进模型文件夹即可。</translation>
    </message>
</context>
<context>
    <name>MoreSampling</name>
    <message>
        <source>More ({count} set)</source>
        <translation>更多（已设 {count} 项）</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Hide the further options</source>
        <translation>收起其他选项</translation>
    </message>
    <message>
        <source>Show the further options</source>
        <translation>显示其他选项</translation>
    </message>
</context>
<context>
    <name>Navigation</name>
    <message>
        <source>Pages</source>
        <translation>页面</translation>
    </message>
    <message>
        <source>Chat</source>
        <translation>聊天</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>本机</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>NoteRow</name>
    <message>
        <source>Write it again</source>
        <translation>重新生成</translation>
    </message>
    <message>
        <source>This answer was stopped.</source>
        <translation>回答已停止。</translation>
    </message>
    <message>
        <source>The limit of answer tokens was reached.</source>
        <translation>已达到回答长度上限。</translation>
    </message>
    <message>
        <source>The context is full, so the answer ends here. Nothing was left out.</source>
        <translation>上下文已满，回答到此为止，没有略去任何内容。</translation>
    </message>
    <message>
        <source>The answer went round in circles, so it was ended.</source>
        <translation>回答陷入重复，因此被结束。</translation>
    </message>
    <message>
        <source>A limit was reached, so the answer was closed early to keep its format whole.</source>
        <translation>到了上限，为保持格式完整而提前收尾。</translation>
    </message>
    <message>
        <source>What had been written is kept.</source>
        <translation>已写出的内容都保留着。</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Leave out the oldest and continue</source>
        <translation>略去最早的消息并继续</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
</context>
<context>
    <name>NumberSection</name>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
</context>
<context>
    <name>Panel</name>
    <message>
        <source>How answers are made</source>
        <translation>回答方式</translation>
    </message>
    <message>
        <source>Close the panel</source>
        <translation>关闭面板</translation>
    </message>
    <message>
        <source>Show the prompt</source>
        <translation>查看提示全文</translation>
    </message>
    <message>
        <source>The text the model would read now, word for word</source>
        <translation>模型现在会读到的文字，一字不差</translation>
    </message>
</context>
<context>
    <name>PathField</name>
    <message>
        <source>Choose: {name}</source>
        <translation>选择：{name}</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Choose a file</source>
        <translation>选择文件</translation>
    </message>
    <message>
        <source>GGUF files</source>
        <translation>GGUF 文件</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
</context>
<context>
    <name>PresetBar</name>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Your own values</source>
        <translation>自定义</translation>
    </message>
    <message>
        <source>Keep, rename or delete presets</source>
        <translation>保存、重命名或删除预设</translation>
    </message>
    <message>
        <source>As the model comes</source>
        <translation>模型默认</translation>
    </message>
    <message>
        <source>Save as a preset…</source>
        <translation>存为预设…</translation>
    </message>
    <message>
        <source>Rename “{name}”…</source>
        <translation>重命名“{name}”…</translation>
    </message>
    <message>
        <source>Delete “{name}”</source>
        <translation>删除“{name}”</translation>
    </message>
    <message>
        <source>Another preset is called “{name}”.</source>
        <translation>已有预设名为“{name}”。</translation>
    </message>
    <message>
        <source>Preset deleted</source>
        <translation>已删除预设</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Save as a preset</source>
        <translation>存为预设</translation>
    </message>
    <message>
        <source>Rename the preset</source>
        <translation>重命名预设</translation>
    </message>
    <message>
        <source>Name:</source>
        <translation>名称：</translation>
    </message>
</context>
<context>
    <name>ProblemPlace</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>ProblemRow</name>
    <message>
        <source>Load with {count} tokens of context</source>
        <translation>以 {count} 个词元的上下文加载</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Load again</source>
        <translation>重新加载</translation>
    </message>
    <message>
        <source>Write it again</source>
        <translation>重新生成</translation>
    </message>
</context>
<context>
    <name>PromptDialog</name>
    <message>
        <source>The prompt</source>
        <translation>提示全文</translation>
    </message>
    <message>
        <source>Asking the engine…</source>
        <translation>正在询问引擎…</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>{tokens} tokens of {context}. Control tokens are written out.</source>
        <translation>{tokens} 词元，上下文共 {context}。控制词元以文字写出。</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>ProseRow</name>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
</context>
<context>
    <name>Quantization</name>
    <message>
        <source>very small file, much less exact</source>
        <translation>文件极小，精度差很多</translation>
    </message>
    <message>
        <source>very small file, clearly less exact</source>
        <translation>文件很小，精度明显降低</translation>
    </message>
    <message>
        <source>small file, noticeably less exact</source>
        <translation>文件小，精度有所降低</translation>
    </message>
    <message>
        <source>smaller file, slightly less exact</source>
        <translation>文件较小，精度略降</translation>
    </message>
    <message>
        <source>smaller file, hardly less exact</source>
        <translation>文件较小，精度几乎不变</translation>
    </message>
    <message>
        <source>large file, practically exact</source>
        <translation>文件大，几乎无损</translation>
    </message>
    <message>
        <source>very large file, exact</source>
        <translation>文件很大，无损</translation>
    </message>
</context>
<context>
    <name>Question</name>
    <message>
        <source>What for</source>
        <translation>用途</translation>
    </message>
    <message>
        <source>Context length at least</source>
        <translation>上下文长度至少</translation>
    </message>
    <message>
        <source>Tokens it has to hold in mind. Empty: what suits the use.</source>
        <translation>它要记住的词元数。留空则按用途决定。</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Another computer</source>
        <translation>换一台电脑</translation>
    </message>
    <message>
        <source>Describe it, or say what would be different here: “what if I had 24 GB?”</source>
        <translation>描述那台电脑，或者只说这里会有什么不同：“如果我有 24 GB 显存呢？”</translation>
    </message>
    <message>
        <source>RTX 4070 12 GB, 32 GB RAM</source>
        <translation>RTX 4070 12 GB，内存 32 GB</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>查询</translation>
    </message>
    <message>
        <source>Ask for this computer</source>
        <translation>查询所写的电脑</translation>
    </message>
    <message>
        <source>Back to this computer</source>
        <translation>回到这台电脑</translation>
    </message>
</context>
<context>
    <name>Rail</name>
    <message>
        <source>Show sidebar</source>
        <translation>显示侧边栏</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Search conversations</source>
        <translation>搜索对话</translation>
    </message>
</context>
<context>
    <name>RankedRow</name>
    <message>
        <source>Details of {name}</source>
        <translation>{name} 的详情</translation>
    </message>
</context>
<context>
    <name>Record</name>
    <message>
        <source>predicted</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>off by</source>
        <translation>相差</translation>
    </message>
    <message>
        <source>Show more</source>
        <translation>显示更多</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清除</translation>
    </message>
    <message>
        <source>Clear all measurements</source>
        <translation>清除所有测量</translation>
    </message>
    <message>
        <source>Clear all measurements? Predictions then start from the makers&apos; figures again.</source>
        <translation>清除所有测量？此后的预测会重新从厂商数据开始。</translation>
    </message>
    <message>
        <source>Clear all</source>
        <translation>全部清除</translation>
    </message>
    <message>
        <source>Keep them</source>
        <translation>保留</translation>
    </message>
    <message>
        <source>Nothing has been measured yet. Every answer adds a figure, and so does measuring.</source>
        <translation>还没有测量数据。每次回答都会添加一条，手动测量也会。</translation>
    </message>
    <message>
        <source>writing {share}</source>
        <translation>生成 {share}</translation>
    </message>
    <message>
        <source>reading {share}</source>
        <translation>读取 {share}</translation>
    </message>
    <message>
        <source>memory {share}</source>
        <translation>内存 {share}</translation>
    </message>
    <message>
        <source>Predictions were off by, in the middle: {said}</source>
        <translation>预测误差的中位数：{said}</translation>
    </message>
    <message>
        <source>Reading, {count} tokens before it</source>
        <translation>读取，前面有 {count} 词元</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>读取</translation>
    </message>
    <message>
        <source>Writing, {count} tokens before it</source>
        <translation>生成，前面有 {count} 词元</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Correction</source>
        <translation>校正</translation>
    </message>
    <message>
        <source>Speed of memory</source>
        <translation>内存速度</translation>
    </message>
    <message>
        <source>Time of a layer</source>
        <translation>每层用时</translation>
    </message>
    <message>
        <source>Operations a second</source>
        <translation>每秒运算</translation>
    </message>
    <message>
        <source>processor</source>
        <translation>处理器</translation>
    </message>
    <message>
        <source>this computer</source>
        <translation>这台电脑</translation>
    </message>
</context>
<context>
    <name>ReportDialog</name>
    <message>
        <source>Something went wrong</source>
        <translation>出了点问题</translation>
    </message>
    <message>
        <source>Something went wrong inside Alcove</source>
        <translation>Alcove 内部出了点问题</translation>
    </message>
    <message>
        <source>Your conversations are safe. You can go on; if something looks odd, close the window and open it again. The report below holds nothing you wrote. The log is in {folder}.</source>
        <translation>你的对话都在，可以继续使用；如果界面有异样，关掉窗口再打开即可。下面的报告不含你写的任何内容。日志在 {folder}。</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>报告</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>RowDelegate</name>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
</context>
<context>
    <name>SearchField</name>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Search conversations</source>
        <translation>搜索对话</translation>
    </message>
    <message>
        <source>Clear search</source>
        <translation>清除搜索</translation>
    </message>
</context>
<context>
    <name>SearchResults</name>
    <message>
        <source>Search results</source>
        <translation>搜索结果</translation>
    </message>
</context>
<context>
    <name>Section</name>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Leave to the model: {name}</source>
        <translation>交给模型决定：{name}</translation>
    </message>
    <message>
        <source>A whole number from {least} to {most}.</source>
        <translation>{least} 到 {most} 的整数。</translation>
    </message>
    <message>
        <source>From {least} to {most}.</source>
        <translation>{least} 到 {most}。</translation>
    </message>
</context>
<context>
    <name>ServerPage</name>
    <message>
        <source>Server</source>
        <translation>服务</translation>
    </message>
    <message>
        <source>Other programs on this computer can use your models through an OpenAI-compatible address.</source>
        <translation>本机上的其他程序可以通过一个兼容 OpenAI 的地址使用你的模型。</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>端口</translation>
    </message>
    <message>
        <source>Another number is needed where this one is in use.</source>
        <translation>如果这个端口已被占用，请换一个。</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>What other programs ask for as the base URL.</source>
        <translation>其他程序里叫作 base URL。</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy address</source>
        <translation>复制地址</translation>
    </message>
    <message>
        <source>Try it in a terminal</source>
        <translation>在终端里试试</translation>
    </message>
    <message>
        <source>Copy example</source>
        <translation>复制示例</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>已关闭</translation>
    </message>
    <message>
        <source>No other program can reach your models.</source>
        <translation>其他程序无法使用你的模型。</translation>
    </message>
    <message>
        <source>On</source>
        <translation>已开启</translation>
    </message>
    <message>
        <source>It stays open as long as this window. A key is needed.</source>
        <translation>窗口开着，它就开着。需要密钥。</translation>
    </message>
    <message>
        <source>It stays open as long as this window. Only programs on this computer can reach it.</source>
        <translation>窗口开着，它就开着。只有本机上的程序能访问。</translation>
    </message>
    <message>
        <source>Public port</source>
        <translation>公开端口</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>Choose the model folder</source>
        <translation>选择模型文件夹</translation>
    </message>
    <message>
        <source>Reset</source>
        <translation>还原</translation>
    </message>
    <message>
        <source>Reset the model folder</source>
        <translation>还原模型文件夹</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Open the model folder</source>
        <translation>打开模型文件夹</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Open the log folder</source>
        <translation>打开日志文件夹</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Accent colour</source>
        <translation>强调色</translation>
    </message>
    <message>
        <source>Text size</source>
        <translation>文字大小</translation>
    </message>
    <message>
        <source>Percent of your system&apos;s own size.</source>
        <translation>相对于系统文字大小的百分比。</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>日志</translation>
    </message>
    <message>
        <source>They hold times, names and errors, never what you write or read here.</source>
        <translation>只记录时间、名称和错误，从不记录你在这里写下或读到的内容。</translation>
    </message>
    <message>
        <source>Like the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>High contrast</source>
        <translation>高对比度</translation>
    </message>
    <message>
        <source>Model folder</source>
        <translation>模型文件夹</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Search conversations</source>
        <translation>搜索对话</translation>
    </message>
    <message>
        <source>Show or hide the sidebar</source>
        <translation>显示或隐藏侧边栏</translation>
    </message>
    <message>
        <source>How answers are made</source>
        <translation>回答方式</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Rename the selected conversation</source>
        <translation>重命名选中的对话</translation>
    </message>
    <message>
        <source>Delete the selected conversation</source>
        <translation>删除选中的对话</translation>
    </message>
    <message>
        <source>Send the message</source>
        <translation>发送消息</translation>
    </message>
    <message>
        <source>New line</source>
        <translation>换行</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>停止回答</translation>
    </message>
    <message>
        <source>Edit your last message (in an empty field)</source>
        <translation>编辑上一条消息（输入框为空时）</translation>
    </message>
    <message>
        <source>Write the answer again</source>
        <translation>重新生成回答</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>复制上一条回答</translation>
    </message>
    <message>
        <source>Scroll the conversation</source>
        <translation>滚动对话</translation>
    </message>
    <message>
        <source>These shortcuts</source>
        <translation>显示这些快捷键</translation>
    </message>
</context>
<context>
    <name>Sidebar</name>
    <message>
        <source>Hide sidebar</source>
        <translation>隐藏侧边栏</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Nothing found. Try fewer or shorter words.</source>
        <translation>没有找到。试试更少或更短的词。</translation>
    </message>
    <message>
        <source>Your conversations will be listed here. They stay on this computer.</source>
        <translation>你的对话会列在这里，只保存在这台电脑上。</translation>
    </message>
</context>
<context>
    <name>SpeedView</name>
    <message>
        <source>Prediction beside measurement</source>
        <translation>预测与实测</translation>
    </message>
</context>
<context>
    <name>TextRow</name>
    <message>
        <source>Copy selection</source>
        <translation>复制选中内容</translation>
    </message>
    <message>
        <source>Copy message</source>
        <translation>复制消息</translation>
    </message>
</context>
<context>
    <name>ThinkingRow</name>
    <message>
        <source>Thinking…</source>
        <translation>正在思考…</translation>
    </message>
    <message>
        <source>Thought for {time}</source>
        <translation>思考了 {time}</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Hide the thinking</source>
        <translation>收起思考过程</translation>
    </message>
    <message>
        <source>Show the thinking</source>
        <translation>展开思考过程</translation>
    </message>
</context>
<context>
    <name>ThinkingSection</name>
    <message>
        <source>Thinking</source>
        <translation>思考</translation>
    </message>
    <message>
        <source>Think first</source>
        <translation>先思考</translation>
    </message>
    <message>
        <source>Slower, often more thorough. Not every model can be asked to.</source>
        <translation>更慢，但往往更周全。并非每个模型都支持。</translation>
    </message>
    <message>
        <source>as asked with each message</source>
        <translation>按每条消息的选择</translation>
    </message>
    <message>
        <source>always</source>
        <translation>总是</translation>
    </message>
    <message>
        <source>never</source>
        <translation>从不</translation>
    </message>
    <message>
        <source>Longest thinking</source>
        <translation>思考长度上限</translation>
    </message>
    <message>
        <source>It is ended after so many tokens.</source>
        <translation>写满这么多词元后结束思考。</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>不限</translation>
    </message>
</context>
<context>
    <name>ThoughtRow</name>
    <message>
        <source>Thinking</source>
        <translation>思考</translation>
    </message>
</context>
<context>
    <name>TitleField</name>
    <message>
        <source>Title of this conversation</source>
        <translation>对话标题</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
</context>
<context>
    <name>ToolCardRow</name>
    <message>
        <source>Result</source>
        <translation>结果</translation>
    </message>
    <message>
        <source>The model wants to run this tool. Do you allow it?</source>
        <translation>模型想运行这个工具。允许吗？</translation>
    </message>
    <message>
        <source>Tool call: {name}</source>
        <translation>工具调用：{name}</translation>
    </message>
    <message>
        <source>Hide the result</source>
        <translation>收起结果</translation>
    </message>
    <message>
        <source>Show the result</source>
        <translation>查看结果</translation>
    </message>
    <message>
        <source>being written…</source>
        <translation>正在写…</translation>
    </message>
    <message>
        <source>waits for your word</source>
        <translation>等你决定</translation>
    </message>
    <message>
        <source>decided</source>
        <translation>已决定</translation>
    </message>
    <message>
        <source>running…</source>
        <translation>运行中…</translation>
    </message>
    <message>
        <source>done</source>
        <translation>已完成</translation>
    </message>
    <message>
        <source>not run</source>
        <translation>未运行</translation>
    </message>
    <message>
        <source>Allow</source>
        <translation>允许</translation>
    </message>
    <message>
        <source>Always in this conversation</source>
        <translation>在本对话中总是允许</translation>
    </message>
    <message>
        <source>Refuse</source>
        <translation>拒绝</translation>
    </message>
</context>
<context>
    <name>ToolsSection</name>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>There are no tools.</source>
        <translation>没有可用的工具。</translation>
    </message>
    <message>
        <source>What the model may call. You are asked before anything runs.</source>
        <translation>模型可以调用的工具。运行前都会先问你。</translation>
    </message>
    <message>
        <source>The loaded model cannot call tools.</source>
        <translation>当前模型不会调用工具。</translation>
    </message>
    <message>
        <source>Run without asking</source>
        <translation>运行前不必询问</translation>
    </message>
    <message>
        <source>Run {name} without asking</source>
        <translation>运行 {name} 前不必询问</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Jump to the newest</source>
        <translation>回到最新</translation>
    </message>
</context>
<context>
    <name>Verdict</name>
    <message>
        <source>fits the graphics card</source>
        <translation>能全部放进显卡</translation>
    </message>
    <message>
        <source>on the graphics card</source>
        <translation>全部在显卡上</translation>
    </message>
    <message>
        <source>partly on the graphics card</source>
        <translation>部分在显卡上运行</translation>
    </message>
    <message>
        <source>on the processor</source>
        <translation>在处理器上</translation>
    </message>
    <message>
        <source>does not fit</source>
        <translation>放不下</translation>
    </message>
    <message>
        <source>There is not enough memory.</source>
        <translation>内存不够。</translation>
    </message>
</context>
<context>
    <name>View</name>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
</context>
<context>
    <name>WaitingRow</name>
    <message>
        <source>Getting ready…</source>
        <translation>正在准备…</translation>
    </message>
    <message>
        <source>Waiting: this answer is next.</source>
        <translation>排队中：下一个就是。</translation>
    </message>
    <message>
        <source>Waiting: {count} answers first.</source>
        <translation>排队中：前面还有 {count} 条回答。</translation>
    </message>
    <message>
        <source>Reading the conversation: {done} of {total} tokens</source>
        <translation>正在读对话：{done} / {total} 词元</translation>
    </message>
    <message>
        <source>{time} left</source>
        <translation>还需 {time}</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>What would you like to know?</source>
        <translation>想了解些什么？</translation>
    </message>
    <message>
        <source>The model runs on this computer. Nothing you write leaves it.</source>
        <translation>模型在这台电脑上运行，你写的内容不会离开本机。</translation>
    </message>
    <message>
        <source>What is a quantization?</source>
        <translation>什么是量化？</translation>
    </message>
    <message>
        <source>Which models fit in 8 GB of VRAM?</source>
        <translation>8 GB 显存能跑哪些模型？</translation>
    </message>
    <message>
        <source>What can you help me with?</source>
        <translation>你能帮我做什么？</translation>
    </message>
</context>
<context>
    <name>_DeviceUse</name>
    <message>
        <source>predicted</source>
        <translation>预测</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>实测</translation>
    </message>
    <message>
        <source>off by</source>
        <translation>相差</translation>
    </message>
</context>
<context>
    <name>_Hits</name>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
</context>
<context>
    <name>_Versions</name>
    <message>
        <source>Previous version</source>
        <translation>上一个版本</translation>
    </message>
    <message>
        <source>Next version</source>
        <translation>下一个版本</translation>
    </message>
    <message>
        <source>Version {number} of {count}</source>
        <translation>第 {number} 个版本，共 {count} 个</translation>
    </message>
</context>
</TS>
